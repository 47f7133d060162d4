/** A list as it is shown, and what applying the wanted order would change. */
export interface Steady {
  /** The ids on screen, top to bottom. */
  shown: readonly string[];
  /** How many wanted ids are not on screen yet. */
  fresh: number;
  /** Whether applying the order would move or remove a row. */
  moved: boolean;
}

/**
 * Keeps rows where they are while someone points at them or has them focused.
 *
 * Free, the wanted order shows at once. Held, nothing on screen moves: rows that came wait behind a pill and
 * rows that left stay until the order is applied.
 */
export function steady(shown: readonly string[], wanted: readonly string[], held: boolean): Steady {
  if (!held || shown.length === 0) return { shown: wanted, fresh: 0, moved: false };
  const onScreen = new Set(shown);
  const still = wanted.filter((id) => onScreen.has(id));
  return {
    shown,
    fresh: wanted.length - still.length,
    moved: still.length !== shown.length || still.some((id, i) => id !== shown[i]),
  };
}

/** Adds rows below the last one, which moves none: how a further page arrives while the list is held. */
export function appended(shown: readonly string[], ids: readonly string[]): readonly string[] {
  const onScreen = new Set(shown);
  return [...shown, ...ids.filter((id) => !onScreen.has(id))];
}
