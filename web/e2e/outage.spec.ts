import { desktop, expect, phone, seller, test, type Person } from './people';
import { instance, stack } from './stack';
import { asksAbout, productOf, rowOf, Room } from './room';

// Whatever becomes of a test, the next one finds both instances.
test.afterEach(async () => {
  await instance(1, 'start');
  await instance(2, 'start');
});

/** What a browser says of a server that is gone. */
function expectOutage(person: Person): void {
  person.expect(
    /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_SOCKET|WebSocket connection to|50[234]/,
  );
}

test('what is sent while the instance is down arrives once, after it is back', async ({
  person,
}) => {
  const [first, second] = stack().instances;
  const buyer = await person({ at: first, size: phone });
  await buyer.isNewBuyer('독고탁');
  const room = await asksAbout(buyer, await productOf(buyer, seller.shop));
  await room.says('연결되어 있을 때');
  await room.isUnread('연결되어 있을 때');

  const shop = await person({ at: second, size: desktop });
  await shop.logsIn(seller.email);
  await shop.page.goto('/seller');
  await rowOf(shop, '독고탁').click();
  const answered = new Room(shop.page);
  await answered.shows('연결되어 있을 때');

  expectOutage(buyer);
  await instance(1, 'kill');
  await room.says('끊겨 있을 때');
  await expect(room.message('끊겨 있을 때').getByText('전송 대기', { exact: true })).toBeAttached();
  await answered.says('기다리고 있겠습니다');
  await instance(1, 'start');

  await room.shows('기다리고 있겠습니다');
  await answered.shows('끊겨 있을 때');
  await room.isRead('끊겨 있을 때');
  await room.shows('끊겨 있을 때');
});

test('behind nginx, people come back on the instance that is left', async ({ person }) => {
  const balancer = stack().balancer;
  if (!balancer) throw new Error('nginx is not installed: `make setup` installs it or says how');
  const buyer = await person({ at: balancer, size: desktop });
  await buyer.isNewBuyer('선우진');
  const asked = await asksAbout(buyer, await productOf(buyer, seller.shop));
  await asked.says('안녕하세요');
  const shop = await person({ at: balancer, size: desktop });
  await shop.logsIn(seller.email);
  await shop.page.goto('/seller');
  await rowOf(shop, '선우진').click();
  const answered = new Room(shop.page);
  await answered.shows('안녕하세요');

  expectOutage(buyer);
  expectOutage(shop);
  for (const number of [1, 2] as const) {
    await instance(number, 'kill');
    await asked.says(`${number}번이 멈췄을 때 묻습니다`);
    await answered.shows(`${number}번이 멈췄을 때 묻습니다`);
    await answered.says(`${number}번이 멈췄을 때 답합니다`);
    await asked.shows(`${number}번이 멈췄을 때 답합니다`);
    await instance(number, 'start');
  }
});
