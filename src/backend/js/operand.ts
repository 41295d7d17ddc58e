import type { TypedArray } from '../../tensor/index.js';
import type { Operand } from '../backend.js';

/** The buffer of an operand: here a handle is the typed array itself. */
export const arrayOf = (x: Operand): TypedArray => x.handle as TypedArray;
