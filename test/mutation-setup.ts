import { fc } from '@fast-check/vitest';

// A mutant that survives 20 draws is looked at by hand; 100 would take five times as long.
fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: 20 });
