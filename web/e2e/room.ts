import { expect, type Locator, type Page } from '@playwright/test';
import type { Person } from './people';

/** A room as it stands on somebody's screen, read by its roles and labels. */
export class Room {
  readonly log: Locator;
  readonly field: Locator;

  constructor(readonly page: Page) {
    this.log = page.getByRole('log');
    this.field = page.getByRole('textbox', { name: '메시지', exact: true });
  }

  message(text: string): Locator {
    return this.log.getByRole('listitem').filter({ hasText: text });
  }

  /** Types and presses the button, as on a phone. */
  async says(text: string): Promise<void> {
    await this.field.fill(text);
    await this.page.getByRole('button', { name: '보내기', exact: true }).click();
    await expect(this.field).toHaveValue('');
  }

  /** The field stands at the bottom of the screen, where thumbs and eyes look for it. */
  async fillsTheScreen(): Promise<void> {
    await expect
      .poll(async () => {
        const box = await this.field.boundingBox();
        return box && this.page.viewportSize()!.height - box.y - box.height;
      }, 'px below the field')
      .toBeLessThan(32);
  }

  /** The message is here, once. */
  async shows(text: string): Promise<void> {
    await expect(this.message(text)).toBeVisible();
    await expect(this.message(text)).toHaveCount(1);
  }

  /** Our own message carries the unread 1, for the eye and for the ear. */
  async isUnread(text: string): Promise<void> {
    await expect(this.message(text).getByText('안 읽음', { exact: true })).toBeAttached();
    await expect(this.message(text).getByText('1', { exact: true })).toHaveCSS('opacity', '1');
  }

  /** The 1 has gone from our own message. */
  async isRead(text: string): Promise<void> {
    await expect(this.message(text).getByText('읽음', { exact: true })).toBeAttached();
    await expect(this.message(text).getByText('1', { exact: true })).toHaveCSS('opacity', '0');
  }
}

interface Product {
  id: string;
  shop_id: string;
  name: string;
}

/** A product of the shop that the tests' seller answers for. */
export async function productOf(person: Person, shop: string): Promise<Product> {
  const answer = await person.context.request.get('/api/v1/products?limit=100');
  expect(answer.ok(), `products: ${answer.status()}`).toBe(true);
  const { items } = (await answer.json()) as { items: (Product & { shop_name: string })[] };
  const product = items.find((p) => p.shop_name === shop);
  if (!product) throw new Error(`${shop} sells nothing in the demo`);
  return product;
}

/** Opens the product and presses 판매자에게 문의. */
export async function asksAbout(person: Person, product: Product): Promise<Room> {
  await person.page.goto(`/p/${product.id}`);
  await expect(person.page.getByRole('heading', { name: product.name, level: 1 })).toBeVisible();
  await person.page.getByRole('button', { name: '판매자에게 문의' }).click();
  const room = new Room(person.page);
  await expect(room.field).toBeVisible();
  return room;
}

/** Asks about the product without the pages, for tests of the other side; gives the room. */
export async function asksUnseen(person: Person, product: Product, body: string): Promise<string> {
  const room = await person.call('/api/v1/chat/rooms', {
    shop_id: product.shop_id,
    product_id: product.id,
  });
  const { id } = room as { id: string };
  await person.call(
    `/api/v1/chat/rooms/${id}/messages`,
    { client_msg_id: crypto.randomUUID(), body },
    201,
  );
  return id;
}

/** The buyer's row in the seller's inbox. */
export function rowOf(person: Person, buyer: string): Locator {
  return person.page.getByRole('link').filter({ hasText: buyer });
}
