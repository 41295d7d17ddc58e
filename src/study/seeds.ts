import type { StudyOptions } from './study.js';

/** The seeds of a study that trains: five, or one to see that it runs. */
export const seedsOf = ({ seed, size }: StudyOptions): readonly number[] =>
  Array.from({ length: size === 'quick' ? 1 : 5 }, (_, i) => seed + i);

/** What the cells of one seed share: made when the first of them asks, and let go when another seed's does. */
export function oncePerSeed<T>(make: (seed: number) => Promise<T>): (seed: number) => Promise<T> {
  let known: { readonly seed: number; readonly made: Promise<T> } | undefined;
  return (seed) => {
    if (known?.seed !== seed) known = { seed, made: make(seed) };
    return known.made;
  };
}
