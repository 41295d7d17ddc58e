import { randomBytes } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PopeError } from '../../util/index.js';
import { makeFolder } from './make-folder.js';

/** Text or bytes to write, whole or as they come. */
export type Data = string | Uint8Array | AsyncIterable<string | Uint8Array>;

const temporaries = new Set<string>();
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs `use` with the path of a temporary beside `path` (same folder, so that it can be renamed onto it), and removes
 * the temporary whatever happens: return, error, exit, Ctrl-C.
 */
export async function withTemporary<T>(path: string, use: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
  if (temporaries.size === 0) listen();
  temporaries.add(temporary);
  try {
    return await use(temporary);
  } finally {
    await rm(temporary, { recursive: true, force: true });
    temporaries.delete(temporary);
    if (temporaries.size === 0) unlisten();
  }
}

/**
 * Writes a file whole or not at all: into a temporary, which then takes its name. Missing folders are made. What
 * exists and is no plain file (a terminal, /dev/null) is written to directly.
 * @throws PopeError (code `bad_file`) where it cannot be written.
 */
export async function writeFileAtomic(path: string, data: Data): Promise<void> {
  try {
    const kind = statSync(path, { throwIfNoEntry: false });
    if (kind !== undefined && !kind.isFile() && !kind.isDirectory()) {
      await writeTo(path, 'w', data);
      return;
    }
    const target = kind === undefined ? path : await realpath(path);
    await makeFolder(dirname(target));
    await withTemporary(target, async (temporary) => {
      await writeTo(temporary, 'wx', data);
      await rename(temporary, target);
    });
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    if (cause instanceof PopeError || typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) throw cause;
    throw new PopeError(
      `${path} cannot be written (${code}); expected a file in a folder that this user may write to.`,
      { code: 'bad_file', file: path, cause },
    );
  }
}

async function writeTo(path: string, flag: string, data: Data): Promise<void> {
  const handle = await open(path, flag);
  try {
    if (typeof data === 'string' || data instanceof Uint8Array) await writeAll(handle, data);
    else for await (const chunk of data) await writeAll(handle, chunk);
    if (flag === 'wx') await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
}

function removeAll(): void {
  for (const temporary of temporaries) rmSync(temporary, { recursive: true, force: true });
}

function onSignal(signal: NodeJS.Signals): void {
  removeAll();
  process.off(signal, onSignal);
  // Where nobody else handles the signal it ends the process, as it would have without us.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

function listen(): void {
  process.on('exit', removeAll);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function unlisten(): void {
  process.off('exit', removeAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}
