/** An abort signal that Ctrl-C, or a scheduler's SIGTERM, raises: the work ends after its present step, with nothing half-written. */
export function abortOnInterrupt(): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, abort);
  const release = (): void => {
    for (const signal of signals) process.off(signal, abort);
  };
  return { signal: controller.signal, release };
}
