import { chooseDriver, whyNot } from './node-webgpu.js';

/** Why WebGPU cannot be had in Node here, told once a file; null where it can. */
export const missing = whyNot();
if (missing === null) chooseDriver();
else console.warn(`!! SKIPPED: the tests of the gpu backend were NOT run here: ${missing}.`);
