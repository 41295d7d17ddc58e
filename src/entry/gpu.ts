// The backend on a GPU, over gpu.js, an optional peer dependency that is loaded when a backend is made.
export * from '../backend/gpu/index.js';
