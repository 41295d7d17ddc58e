#!/usr/bin/env node
import { run } from './run.js';

let failed = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough (`pope ... | head`) ends us quietly.
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    // Where standard error itself fails there is nobody left to tell.
    if (stream === process.stderr) process.exit(1);
    // Every further write fails as well; once is enough to say.
    if (failed) return;
    failed = true;
    process.stderr.write(`pope: standard output cannot be written: ${error.message}\n`, () => process.exit(1));
  });
}

// No process.exit at the end: what is still being written to a pipe must arrive.
const code = await run(process.argv.slice(2), process);
process.exitCode = failed ? 1 : code;
