#!/usr/bin/env node
import { run } from './run.js';

// A reader that has seen enough (`pope ... | head`) ends us quietly.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    throw error;
  });
}

// No process.exit at the end: what is still being written to a pipe must arrive.
process.exitCode = await run(process.argv.slice(2), process);
