export interface Rectangle {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A label of a given size that wants to stand near (x, y). */
export interface LabelRequest {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface LabelPlace extends Rectangle {
  /** So far from its point that a line should tie them. */
  readonly far: boolean;
}

const DISTANCES = [8, 20, 36, 56, 80];

/**
 * Greedy placement: each label in turn takes, of eight directions and some distances, the place that covers least of
 * the obstacles and earlier labels; the nearest of equals. All places lie inside `bounds` as far as the label fits.
 */
export function placeLabels(
  requests: readonly LabelRequest[],
  obstacles: readonly Rectangle[],
  bounds: Rectangle,
): LabelPlace[] {
  const placed: LabelPlace[] = [];
  for (const request of requests) {
    let best: LabelPlace | undefined;
    let bestCost = Infinity;
    DISTANCES.forEach((distance, ring) => {
      for (const [dx, dy] of [
        [1, -1],
        [1, 1],
        [-1, -1],
        [-1, 1],
        [1, 0],
        [-1, 0],
        [0, -1],
        [0, 1],
      ] as const) {
        const place = { ...at(request, dx, dy, distance, bounds), far: ring > 1 };
        const cost =
          obstacles.reduce((sum, other) => sum + overlap(place, other), 0) +
          // Letters on letters are worse than letters on a thin line.
          placed.reduce((sum, other) => sum + 20 * overlap(place, other), 0) +
          ring * 12;
        if (cost < bestCost) {
          bestCost = cost;
          best = place;
        }
      }
    });
    if (best !== undefined) placed.push(best);
  }
  return placed;
}

function at(
  { x, y, width, height }: LabelRequest,
  dx: number,
  dy: number,
  distance: number,
  bounds: Rectangle,
): Rectangle {
  const wantedLeft = dx > 0 ? x + distance : dx < 0 ? x - distance - width : x - width / 2;
  const wantedTop = dy > 0 ? y + distance / 2 : dy < 0 ? y - distance / 2 - height : y - height / 2;
  const left = Math.max(bounds.left, Math.min(bounds.right - width, wantedLeft));
  const top = Math.max(bounds.top, Math.min(bounds.bottom - height, wantedTop));
  return { left, right: left + width, top, bottom: top + height };
}

function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}
