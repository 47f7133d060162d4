import type { Card } from '../../../sdk';

/** What a card's product or order is now; the message only knows what it was. */
export interface LiveCard {
  readonly title: string;
  readonly priceWon: number;
  readonly imageUrl?: string | undefined;
  readonly soldOut?: boolean | undefined;
  readonly status?: string | undefined;
}

/** How an app shows cards: where they lead, and where to ask how things stand. */
export interface Cards {
  /** Undefined: this app has no page for it. */
  href(card: Card): string | undefined;
  /** Resolves with undefined when it is gone or cannot be asked. */
  now?(card: Card): Promise<LiveCard | undefined>;
}
