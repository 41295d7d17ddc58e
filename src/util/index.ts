export { assertFinite, assertInteger, assertOneOf, assertRange } from './assert.js';
export { type ErrorDetails, invalid, PopeError, show } from './error.js';
