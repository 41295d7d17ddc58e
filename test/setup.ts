import { fc } from '@fast-check/vitest';

// One seed a run, so that CI judges the change and not the draw. POPE_SEED=random looks elsewhere; a failure prints its seed.
const asked = process.env['POPE_SEED'];
if (asked !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(asked ?? 20251124) });
