import { desktop, phone, seller, test } from './people';
import { stack } from './stack';
import { asksAbout, asksUnseen, productOf, rowOf, Room } from './room';

// Every main page, small and large, light and dark: nothing bars the way, nothing is wider than the screen.
for (const { name, size, dark } of [
  { name: 'phone', size: phone, dark: false },
  { name: 'desktop-dark', size: desktop, dark: true },
]) {
  test(`the buyer's pages on a ${name}`, async ({ person }) => {
    const buyer = await person({ at: stack().instances[0], size, dark });
    await buyer.logsIn('buyer@demo.mall');
    const product = await productOf(buyer, seller.shop);
    for (const [what, path] of [
      ['products', '/'],
      ['product', `/p/${product.id}`],
      ['inquiries', '/inquiries'],
      ['orders', '/orders'],
    ] as const) {
      await buyer.page.goto(path);
      await buyer.looksRight(`buyer-${what}-${name}`);
    }
    const room = await asksAbout(buyer, product);
    await room.fillsTheScreen();
    await buyer.looksRight(`buyer-room-${name}`);
  });

  test(`the seller's pages on a ${name}`, async ({ person }) => {
    const buyer = await person({ at: stack().instances[0], size: desktop });
    await buyer.isNewBuyer(`황보관-${name}`);
    await asksUnseen(buyer, await productOf(buyer, seller.shop), '포장도 되나요?');

    const shop = await person({ at: stack().instances[1], size, dark });
    shop.isStranger();
    await shop.page.goto('/seller');
    await shop.looksRight(`seller-login-${name}`);
    await shop.logsIn(seller.email);
    for (const [what, path] of [
      ['inbox', '/seller'],
      ['products', '/seller/products'],
      ['orders', '/seller/orders'],
      ['settings', '/seller/settings'],
    ] as const) {
      await shop.page.goto(path);
      await shop.looksRight(`seller-${what}-${name}`);
    }
    await shop.page.goto('/seller');
    await rowOf(shop, `황보관-${name}`).click();
    const room = new Room(shop.page);
    await room.shows('포장도 되나요?');
    await room.fillsTheScreen();
    await shop.looksRight(`seller-room-${name}`);
  });
}
