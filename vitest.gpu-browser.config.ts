import { defineConfig } from 'vitest/config';
import { chromium } from './vitest.chromium.js';

const software = process.env['POPE_GPU'] !== 'real';

/**
 * The shared suites on the gpu backend in Chromium: `npm run test:gpu:browser`. SwiftShader renders unless POPE_GPU=real.
 * The suites wait for a worker through shared memory, hence the headers.
 */
export default defineConfig({
  server: {
    headers: {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    },
  },
  optimizeDeps: { include: ['gpu.js'] },
  test: {
    include: ['test/gpu/browser/**/*.test.ts'],
    setupFiles: ['test/browser/setup.ts'],
    testTimeout: 120_000,
    reporters: ['default'],
    maxWorkers: 1,
    browser: chromium(
      software
        ? [
            '--enable-unsafe-webgpu',
            '--use-webgpu-adapter=swiftshader',
            '--enable-features=Vulkan',
            '--use-angle=swiftshader',
            '--enable-unsafe-swiftshader',
          ]
        : [],
    ),
  },
});
