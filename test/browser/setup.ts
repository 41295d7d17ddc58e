import { fc } from '@fast-check/vitest';

// The seed of test/setup.ts, without Node.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20251124 });
