import { desktop, expect, phone, seller, test } from './people';
import { stack } from './stack';
import { asksAbout, productOf, rowOf, Room } from './room';

test('a buyer asks, the seller answers on another instance, both see it live and again after a reload', async ({
  person,
}) => {
  const [first, second] = stack().instances;
  const question = '이 상품, 오늘 주문하면 언제 출고되나요?';
  const answer = '네, 오후 두 시 전 주문은 오늘 출고됩니다.';

  const shop = await person({ at: second, size: desktop });
  shop.isStranger();
  await shop.page.goto('/seller');
  await shop.fillsLogin(seller.email);
  await expect(shop.page.getByRole('heading', { name: '문의함' })).toBeVisible();

  const buyer = await person({ at: first, size: phone });
  await buyer.isNewBuyer('한소라');
  const product = await productOf(buyer, seller.shop);
  const asked = await asksAbout(buyer, product);
  await asked.says(question);
  await asked.shows(question);
  await asked.isUnread(question);
  await buyer.photo('buyer-asks-390');

  // Live, in an inbox that nobody touched.
  const row = rowOf(shop, '한소라');
  await expect(row).toContainText(question);
  await expect(row).toContainText('안 읽은 메시지 1개');
  await shop.photo('seller-inbox-1440');

  // Seen by the seller: their mark goes, and so does the buyer's 1.
  await row.click();
  const answered = new Room(shop.page);
  await answered.shows(question);
  await asked.isRead(question);
  await expect(row).not.toContainText('안 읽은 메시지');

  // The buyer looks elsewhere while the answer comes.
  await buyer.page.goto('/inquiries');
  await expect(buyer.page.getByRole('link').filter({ hasText: seller.shop })).toContainText(
    question,
  );
  await answered.says(answer);
  await answered.shows(answer);
  await answered.isUnread(answer);
  const mine = buyer.page.getByRole('link').filter({ hasText: seller.shop });
  await expect(mine).toContainText(answer);
  await expect(mine).toContainText('안 읽은 메시지 1개');
  await buyer.photo('buyer-inquiries-390');
  await mine.click();
  await asked.shows(answer);
  await answered.isRead(answer);
  await shop.photo('seller-room-1440');
  await buyer.photo('buyer-answered-390');

  // Everything is still there for both, and nothing is unread any more.
  await Promise.all([buyer.page.reload(), shop.page.reload()]);
  for (const room of [asked, answered]) {
    await room.shows(question);
    await room.shows(answer);
  }
  await asked.isRead(question);
  await answered.isRead(answer);
  await buyer.page.goto('/inquiries');
  await expect(mine).toContainText(answer);
  await expect(mine).not.toContainText('안 읽은 메시지');
});

test('a stranger who asks logs in on the way and goes on asking', async ({ person }) => {
  const buyer = await person({ at: stack().instances[1], size: phone });
  buyer.isStranger();
  const product = await productOf(buyer, seller.shop);
  await buyer.page.goto('/');
  await buyer.looksRight('stranger-products-phone');
  await buyer.page.getByRole('link', { name: product.name }).click();
  await buyer.page.getByRole('button', { name: '판매자에게 문의' }).click();
  await expect(buyer.page.getByRole('dialog', { name: '로그인' })).toBeVisible();
  await buyer.looksRight('stranger-login-phone');
  await buyer.fillsLogin('buyer2@demo.mall');
  const room = new Room(buyer.page);
  await room.says('방금 로그인했어요');
  await room.shows('방금 로그인했어요');
});

test('a question asked with the keyboard alone', async ({ person }) => {
  const buyer = await person({ at: stack().instances[0], size: desktop });
  await buyer.isNewBuyer('남궁민');
  const product = await productOf(buyer, seller.shop);
  await buyer.page.goto(`/p/${product.id}`);
  const ask = buyer.page.getByRole('button', { name: '판매자에게 문의' });
  await expect(ask).toBeVisible();
  await expect(async () => {
    await buyer.page.keyboard.press('Tab');
    await expect(ask).toBeFocused({ timeout: 50 });
  }).toPass();
  await buyer.page.keyboard.press('Enter');
  const room = new Room(buyer.page);
  await expect(room.field).toBeVisible();
  await expect(async () => {
    if (await room.field.evaluate((field) => field === document.activeElement)) return;
    await buyer.page.keyboard.press('Tab');
    await expect(room.field).toBeFocused({ timeout: 50 });
  }).toPass();
  await buyer.page.keyboard.type('첫 줄');
  await buyer.page.keyboard.press('Shift+Enter');
  await buyer.page.keyboard.type('둘째 줄');
  await buyer.page.keyboard.press('Enter');
  await room.shows('첫 줄');
  await expect(room.message('첫 줄')).toContainText('둘째 줄');
  await expect(room.field).toHaveValue('');
  await expect(room.field).toBeFocused();
});

test('one Enter in the middle of a Hangul syllable sends the whole message once', async ({
  person,
}) => {
  const buyer = await person({ at: stack().instances[0], size: desktop });
  await buyer.isNewBuyer('제갈량');
  const room = await asksAbout(buyer, await productOf(buyer, seller.shop));
  await room.field.click();
  const keys = await buyer.context.newCDPSession(buyer.page);
  const compose = (text: string) =>
    keys.send('Input.imeSetComposition', {
      text,
      selectionStart: text.length,
      selectionEnd: text.length,
    });
  const key = { key: 'Process', code: 'Enter', windowsVirtualKeyCode: 229 };

  // ㅈ 재 재고, as a two-set keyboard composes it; the input method has the Enter that ends the last syllable.
  for (const text of ['ㅈ', '재']) await compose(text);
  await keys.send('Input.insertText', { text: '재' });
  for (const text of ['ㄱ', '고']) await compose(text);
  await keys.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...key });
  await keys.send('Input.insertText', { text: '고' });
  await keys.send('Input.dispatchKeyEvent', {
    type: 'keyUp',
    ...key,
    key: 'Enter',
    windowsVirtualKeyCode: 13,
  });

  await room.shows('재고');
  await expect(room.field).toHaveValue('');
  // A second message goes its own way: nothing of the first is left in the field.
  await room.says('있나요?');
  await room.shows('있나요?');
  await room.shows('재고');
  await expect(room.log.getByRole('listitem').filter({ hasText: /^고$/ })).toHaveCount(0);
});
