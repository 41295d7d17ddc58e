// The wasm backend with its options: threads, a limit of memory, a module compiled elsewhere.
export * from '../backend/wasm/index.js';
