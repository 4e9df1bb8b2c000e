// What ping prints, as figures.

/** Of each answer, in milliseconds. */
export function roundTrips(text: string): readonly number[] {
  return [...text.matchAll(/ bytes from .* time=([\d.]+) ms$/gm)].map(([, time]) => Number(time));
}
