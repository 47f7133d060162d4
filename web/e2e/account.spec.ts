import { expect } from '@playwright/test';
import { readFile } from 'node:fs/promises';
import { mailedLink, nextTotp, securityKey, totp } from './account';
import { desktop, password as demoPassword, phone, seller, test, type Person } from './people';
import { proofsAreOld, stack } from './stack';
import { asksUnseen, productOf, rowOf, Room } from './room';

const at = () => stack().embedded;
const password = 'slow-river-2031';
const newPassword = 'quiet-harbour-1994';

async function opensLogin({ page }: Person): Promise<void> {
  await page.goto('/');
  await page.getByRole('button', { name: '내 계정' }).click();
  await page
    .getByRole('dialog', { name: '내 계정' })
    .getByRole('button', { name: '로그인', exact: true })
    .click();
}

async function givesPassword({ page }: Person, email: string, secret: string): Promise<void> {
  const sheet = page.getByRole('dialog', { name: '로그인' });
  await sheet.getByLabel('이메일').fill(email);
  await sheet.getByLabel('비밀번호').fill(secret);
  await sheet.getByRole('button', { name: '로그인', exact: true }).click();
}

const welcome = ({ page }: Person) => expect(page.getByText('반갑습니다')).toBeVisible();

async function logsOut({ page }: Person): Promise<void> {
  await page.goto('/');
  await page.getByRole('button', { name: '내 계정' }).click();
  await page.getByRole('button', { name: '로그아웃' }).click();
  await expect(page.getByText('로그아웃했습니다')).toBeVisible();
}

test('an account is its owner’s: proof, invitation, factors, reset, logins', async ({ person }) => {
  // A dozen letters, pages and checks of them, one after the other; a busy machine takes its time.
  test.setTimeout(480_000);
  const member = await person({ at: at(), size: desktop });
  const { page } = member;
  member.isStranger();
  const email = `${crypto.randomUUID()}@test.mall`;

  await test.step('signs up; the commonest passwords are refused at the field', async () => {
    member.expect(/status of 400 .*\/api\/v1\/members\)/);
    await opensLogin(member);
    await page.getByRole('button', { name: /회원가입/ }).click();
    const sheet = page.getByRole('dialog', { name: '회원가입' });
    await sheet.getByLabel('이름').fill('한가람');
    await sheet.getByLabel('이메일').fill(email);
    await sheet.getByLabel('비밀번호').fill('password');
    await sheet.getByRole('button', { name: '가입하기' }).click();
    await expect(sheet.getByText(/너무 흔하거나/)).toBeVisible();
    await sheet.getByLabel('비밀번호').fill(password);
    await sheet.getByRole('button', { name: '가입하기' }).click();
    await welcome(member);
  });

  await test.step('proves the e-mail address', async () => {
    await page.getByRole('button', { name: '인증 메일 보내기' }).click();
    await expect(page.getByText(/인증 메일을 보냈습니다/)).toBeVisible();
    const link = await mailedLink(member, email, '/prove-email');
    await page.goto(link);
    await expect(page).toHaveURL(/\/prove-email$/);
    const prove = page.getByRole('button', { name: '이메일 인증하기' });
    await member.context.setOffline(true);
    member.expect(/ERR_INTERNET_DISCONNECTED/);
    await prove.click();
    await expect(page.getByRole('alert')).toContainText('인터넷 연결을 확인해 주세요');
    await member.looksRight('prove-email-offline');
    await member.context.setOffline(false);
    await prove.click();
    await expect(page.getByText('이메일을 인증했습니다.')).toBeVisible();
    await expect(page.getByRole('complementary', { name: '이메일 인증 안내' })).toHaveCount(0);

    // The same link again: nobody is sent to get another for what is done.
    member.expect(/status of 400 .*\/api\/v1\/email-proofs\)/);
    await page.goto('/');
    await page.goto(link);
    await prove.click();
    await expect(page.getByText(/이미 인증되어 있습니다/)).toBeVisible();
  });

  await test.step('is invited to a shop, and accepts', async () => {
    const owner = await person({ at: at(), size: desktop });
    await owner.logsIn(seller.email);
    await owner.page.goto('/seller/settings');
    await owner.page.getByLabel('초대할 사람의 이메일').fill(email);
    await owner.page.getByRole('button', { name: '초대하기' }).click();
    await expect(owner.page.getByRole('list', { name: '보낸 초대' })).toContainText(email);
    await owner.looksRight('seller-invitation');

    await page.goto('/invitations');
    await member.looksRight('invitations');
    await page.getByRole('button', { name: `${seller.shop} 초대 수락` }).click();
    await page.getByRole('link', { name: '판매자 센터로' }).click();
    await expect(page.getByRole('heading', { name: '문의함' })).toBeVisible();
  });

  let secret = '';
  const recovery: string[] = [];
  await test.step('sets up an authenticator app', async () => {
    await page.goto('/account');
    await page.getByRole('button', { name: '인증 앱 등록' }).click();
    await expect(page.getByRole('img', { name: /QR/ })).toBeVisible();
    secret = (await page.locator('code').innerText()).replaceAll(' ', '');
    await member.looksRight('account-totp');
    await page.getByLabel(/6자리 코드/).fill(totp(secret));
    await page.getByRole('button', { name: '등록 완료' }).click();
    const codes = page.getByRole('list', { name: '복구 코드 목록' });
    await expect(codes).toBeVisible();
    recovery.push(...(await codes.getByRole('listitem').allInnerTexts()));
    await member.looksRight('account-codes');
    await page.getByRole('button', { name: '보관했습니다' }).click();
  });

  await test.step('is asked for a code at the login', async () => {
    member.expect(/status of 403 .*\/api\/v1\/session\/second-factor\)/);
    await logsOut(member);
    await opensLogin(member);
    await givesPassword(member, email, password);
    const sheet = page.getByRole('dialog', { name: '2단계 인증' });
    await sheet.getByLabel(/6자리 코드/).fill('000000');
    await sheet.getByRole('button', { name: '확인', exact: true }).click();
    await expect(sheet.getByText(/맞지 않습니다/)).toBeVisible();
    await member.looksRight('login-code');
    await sheet.getByLabel(/6자리 코드/).fill(nextTotp(secret));
    await sheet.getByRole('button', { name: '확인', exact: true }).click();
    await welcome(member);
  });

  await test.step('adds a passkey and logs in with it', async () => {
    await securityKey(page);
    await page.goto('/account');
    await page.getByRole('button', { name: '패스키 추가' }).click();
    await page.getByLabel('패스키 이름').fill('업무용 노트북');
    await page.getByRole('button', { name: '만들기', exact: true }).click();
    await expect(page.getByRole('list', { name: '패스키 목록' })).toContainText('업무용 노트북');
    await member.looksRight('account-passkey');

    // An open browser is not enough for new recovery codes.
    await proofsAreOld();
    member.expect(/status of 403 .*\/api\/v1\/me\/factors\/recovery-codes\)/);
    await page.getByRole('button', { name: '복구 코드 새로 만들기' }).click();
    await page.getByRole('button', { name: '새로 만들기', exact: true }).click();
    const proof = page.getByRole('dialog', { name: '본인 확인' });
    await expect(proof.getByRole('button', { name: '패스키로 확인' })).toBeFocused();
    await member.looksRight('step-up-passkey');
    await proof.getByRole('button', { name: '패스키로 확인' }).click();
    const codes = page.getByRole('list', { name: '복구 코드 목록' });
    await expect(page.getByRole('heading', { name: '복구 코드', exact: true })).toBeFocused();
    recovery.splice(0, recovery.length, ...(await codes.getByRole('listitem').allInnerTexts()));
    await logsOut(member);
    await opensLogin(member);
    await givesPassword(member, email, password);
    await page.getByRole('button', { name: '패스키로 확인' }).click();
    await welcome(member);
  });

  const elsewhere = await person({ at: at(), size: phone, dark: true });
  elsewhere.isStranger();
  await test.step('logs in elsewhere with a recovery code, and ends that login from here', async () => {
    elsewhere.expect(/status of 401/);
    await opensLogin(elsewhere);
    await givesPassword(elsewhere, email, password);
    await elsewhere.page.getByRole('button', { name: '복구 코드로 확인' }).click();
    await elsewhere.page.getByLabel('복구 코드').fill(recovery[0]!);
    await elsewhere.page.getByRole('button', { name: '확인', exact: true }).click();
    await welcome(elsewhere);
    await elsewhere.page.goto('/account');
    await elsewhere.looksRight('account-phone-dark');

    await page.goto('/account');
    const logins = page.getByRole('list', { name: '로그인 목록' });
    await expect(logins.getByRole('listitem')).toHaveCount(2);
    await logins.getByRole('button', { name: /로그인 끝내기/ }).click();
    await expect(logins.getByRole('listitem')).toHaveCount(1);
    await elsewhere.page.reload();
    await expect(elsewhere.page.getByText('로그인하면 볼 수 있습니다.')).toBeVisible();
  });

  await test.step('sets a forgotten password by mail; the old one and its logins are worth nothing', async () => {
    member.expect(/status of 401 .*\/api\/v1\/session\)/);
    await logsOut(member);
    await opensLogin(member);
    await page.getByRole('button', { name: /잊으셨나요/ }).click();
    await page.getByLabel('이메일').fill(email);
    await page.getByRole('button', { name: '링크 받기' }).click();
    await expect(page.getByText(/링크를 보냈습니다/)).toBeVisible();
    await page.goto(await mailedLink(member, email, '/reset-password'));
    await expect(page).toHaveURL(/\/reset-password$/);
    await member.looksRight('reset-password');
    await page.getByLabel('새 비밀번호').fill(newPassword);
    await page.getByRole('button', { name: '새 비밀번호로 바꾸기' }).click();
    await expect(page.getByText(/새 비밀번호를 정했습니다/)).toBeVisible();

    await opensLogin(member);
    await givesPassword(member, email, password);
    await expect(page.getByText(/이메일 또는 비밀번호가 맞지 않습니다/)).toBeVisible();
    await givesPassword(member, email, newPassword);
    await page.getByRole('button', { name: '패스키로 확인' }).click();
    await welcome(member);
  });
});

test('a member takes a copy and leaves, after proving who they are', async ({ person }) => {
  test.setTimeout(240_000); // as above
  const member = await person({ at: at(), size: phone });
  const { page } = member;
  const email = await member.isNewBuyer('남궁선');
  const product = await productOf(member, seller.shop);
  const room = await asksUnseen(member, product, '선물 포장도 되나요?');
  const shop = await person({ at: at(), size: desktop });
  await shop.logsIn(seller.email);
  await shop.call(
    `/api/v1/chat/rooms/${room}/messages`,
    { client_msg_id: crypto.randomUUID(), body: '네, 무료로 해 드립니다.' },
    201,
  );
  const proof = page.getByRole('dialog', { name: '본인 확인' });
  const confirm = proof.getByRole('button', { name: '확인', exact: true });

  await test.step('the copy is asked for with the password, and holds both sides of the room', async () => {
    member.expect(/status of 403 .*\/api\/v1\/me\/(export|step-up\/answer)\)/);
    await page.goto('/account');
    const copy = page.getByRole('button', { name: '내 데이터 내려받기' });
    await expect(copy).toBeVisible();
    await proofsAreOld();
    await copy.click();
    await expect(proof.getByLabel('비밀번호')).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(page.getByText(/본인 확인을 해야 계속할 수 있습니다/)).toBeVisible();
    await expect(copy).toBeFocused();

    await copy.click();
    await proof.getByLabel('비밀번호').fill('not-the-password');
    await confirm.click();
    await expect(proof.getByText(/맞지 않습니다/)).toBeVisible();
    await expect(proof.getByLabel('비밀번호')).toBeFocused();
    await member.looksRight('step-up-password');
    await proof.getByLabel('비밀번호').fill(demoPassword);
    const [file] = await Promise.all([page.waitForEvent('download'), confirm.click()]);
    expect(file.suggestedFilename()).toMatch(/\.json$/);
    const copied = JSON.parse(await readFile(await file.path(), 'utf8')) as Copied;
    expect(copied.account.email).toBe(email);
    const said = copied.messages.filter((m) => m.room_id === room && m.kind === 'text');
    expect(said.map((m) => m.body)).toEqual(['선물 포장도 되나요?', '네, 무료로 해 드립니다.']);
  });

  await test.step('the account goes after a code of the app, and nobody logs in to it again', async () => {
    const { secret } = (await member.call('/api/v1/me/factors/totp')) as { secret: string };
    await member.call('/api/v1/me/factors/totp/confirm', { code: totp(secret) });
    await proofsAreOld();
    member.expect(/status of 403 .*\/api\/v1\/me\/erasure\)/);
    member.isStranger(); // as soon as the account is gone
    await page.getByRole('button', { name: '계정 삭제' }).click();
    const sheet = page.getByRole('dialog', { name: '계정을 삭제할까요?' });
    await sheet.getByRole('button', { name: '계정 삭제' }).click();
    await expect(sheet.getByRole('textbox')).toBeFocused();
    await member.looksRight('erasure');
    await sheet.getByRole('textbox').fill('삭제');
    await sheet.getByRole('button', { name: '계정 삭제' }).click();
    await proof.getByLabel(/6자리 코드/).fill(nextTotp(secret));
    await member.looksRight('step-up-code');
    await confirm.click();
    await expect(page).toHaveURL(/\/goodbye\?/);
    await expect(page.getByRole('heading', { name: '계정을 삭제했습니다' })).toBeFocused();
    await expect(page.getByText(/대화 기록은 법에 따라 .*까지 보관합니다/)).toBeVisible();
    await member.looksRight('goodbye');

    member.expect(/status of 401 .*\/api\/v1\/session\)/);
    await opensLogin(member);
    await givesPassword(member, email, demoPassword);
    await expect(page.getByText(/이메일 또는 비밀번호가 맞지 않습니다/)).toBeVisible();
  });
});

/** Of the copy, what is looked at here. */
interface Copied {
  account: { email: string };
  messages: { room_id: string; kind: string; body: string }[];
}

test('a buyer reports a shop, which blocks them: both see it, and the blocked cannot write', async ({
  person,
}) => {
  test.setTimeout(240_000); // as above
  const buyer = await person({ at: at(), size: desktop });
  await buyer.isNewBuyer('탁재훈');
  await asksUnseen(buyer, await productOf(buyer, seller.shop), '왜 답이 없나요');
  await buyer.page.goto('/inquiries');
  await buyer.page.getByRole('main').getByRole('link').first().click();
  const room = new Room(buyer.page);
  const menu = buyer.page.getByRole('button', { name: '대화 메뉴' });
  await menu.click();
  await buyer.page.getByRole('button', { name: '신고하기' }).click();
  await buyer.looksRight('report');
  await buyer.page.getByLabel('신고 이유').selectOption('스팸·광고');
  const sheet = buyer.page.getByRole('dialog', { name: '신고하기' });
  await sheet.getByRole('button', { name: '신고하기' }).click();
  await expect(buyer.page.getByText('신고를 접수했습니다')).toBeVisible();
  await expect(menu).toBeFocused();
  await room.field.fill('아직 보내지 않은 글');
  // Their address is not proved: what says so over the page pushes the field off no screen.
  await expect(buyer.page.getByRole('complementary', { name: '이메일 인증 안내' })).toBeVisible();
  const over = () => document.documentElement.scrollHeight - innerHeight;
  expect(await buyer.page.evaluate(over), 'px higher than the screen').toBeLessThanOrEqual(0);

  const shop = await person({ at: at(), size: desktop });
  await shop.logsIn(seller.email);
  await shop.page.goto('/seller');
  await rowOf(shop, '탁재훈').click();
  await shop.page.getByRole('button', { name: '대화 메뉴' }).click();
  await shop.page.getByRole('button', { name: '차단하기' }).click();
  await shop.page.getByRole('dialog').getByRole('button', { name: '차단하기' }).click();
  const blocking = shop.page.getByRole('status').filter({ hasText: '차단한 상대입니다' });
  await expect(blocking).toBeVisible();
  await shop.looksRight('blocking');

  const blocked = buyer.page.getByRole('status').filter({ hasText: '상대방이 차단하여' });
  await expect(blocked).toBeVisible();
  await expect(blocked).toBeFocused();
  await expect(room.field).toHaveCount(0);
  await expect(buyer.page.getByRole('button', { name: '차단 해제' })).toHaveCount(0);
  await buyer.looksRight('blocked');

  await shop.page.getByRole('button', { name: '차단 해제' }).click();
  await expect(new Room(shop.page).field).toBeFocused();
  await expect(room.field).toHaveValue('아직 보내지 않은 글');
});
