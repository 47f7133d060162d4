import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type BrowserContext, type Page } from '@playwright/test';

const shots = fileURLToPath(new URL('../../.cache/e2e/shots/', import.meta.url));

export const phone = { width: 390, height: 844 };
export const desktop = { width: 1440, height: 900 };

/** What everybody in the demo logs in with. */
export const password = 'demo-mall-2026';
/** The owner of 달빛상점, whom the tests let answer. */
export const seller = { email: 'moon@demo.mall', shop: '달빛상점' };

interface Visit {
  /** Base URL of the instance they talk to. */
  at: string;
  size: { width: number; height: number };
  dark?: boolean;
}

/** Somebody with a browser of their own, whose every console error counts. */
export class Person {
  readonly troubles: string[] = [];
  private expected: RegExp[] = [];

  constructor(
    readonly page: Page,
    readonly context: BrowserContext,
  ) {
    page.on('console', (said) => {
      if (said.type() === 'error') this.trouble(`console: ${said.text()} (${said.location().url})`);
    });
    page.on('pageerror', (error) => this.trouble(`exception: ${error.message}`));
  }

  /** What the test itself causes, such as refused connections while an instance is down. */
  expect(trouble: RegExp): void {
    this.expected.push(trouble);
  }

  private trouble(text: string): void {
    if (!this.expected.some((e) => e.test(text))) this.troubles.push(text);
  }

  /** They are not logged in: the page asks who they are and is told nobody, which Chromium calls an error. */
  isStranger(): void {
    this.expect(/status of 401 .*\/api\/v1\/me\)/);
  }

  /** Signs up a new buyer and logs them in, without the forms; gives their e-mail address. */
  async isNewBuyer(name: string): Promise<string> {
    const email = `${crypto.randomUUID()}@test.mall`;
    await this.call('/api/v1/members', { email, name, password }, 201);
    await this.logsIn(email);
    return email;
  }

  /** Logs in without the form. */
  async logsIn(email: string): Promise<void> {
    await this.call('/api/v1/session', { email, password });
  }

  /** Fills the login form that is shown. */
  async fillsLogin(email: string): Promise<void> {
    await this.page.getByLabel('이메일').fill(email);
    await this.page.getByLabel('비밀번호').fill(password);
    await this.page.getByRole('button', { name: '로그인', exact: true }).click();
  }

  async call(path: string, data?: unknown, status?: number): Promise<unknown> {
    const answer = await this.context.request.post(path, { data });
    const text = await answer.text();
    expect(
      status === undefined ? answer.ok() : answer.status() === status,
      `${path}: ${answer.status()} ${text}`,
    ).toBe(true);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Keeps a picture for people to look at; nothing is compared with it. */
  async photo(name: string): Promise<void> {
    await mkdir(shots, { recursive: true });
    await this.page.screenshot({ path: `${shots}${name}.png` });
  }

  /** The page has loaded, is no wider than the screen and breaks no rule of accessibility a program can check. */
  async looksRight(name: string): Promise<void> {
    await expect(this.page.getByRole('main')).toBeVisible();
    await expect(this.page.locator('[aria-busy="true"]:not(button)')).toHaveCount(0);
    await this.photo(name);
    const overflow = await this.page.evaluate(
      () => document.documentElement.scrollWidth - innerWidth,
    );
    expect(overflow, `${name}: px wider than the screen`).toBeLessThanOrEqual(0);
    const { violations } = await new AxeBuilder({ page: this.page }).analyze();
    const found = violations.map(
      (v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).join(' | ')}`,
    );
    expect(found, `${name}: accessibility`).toEqual([]);
  }
}

/** A test in which people arrive with browsers of their own; at its end none may have seen an error. */
export const test = base.extend<{ person: (visit: Visit) => Promise<Person> }>({
  person: async ({ browser }, use) => {
    const people: Person[] = [];
    await use(async ({ at, size, dark }) => {
      const touch = size === phone;
      const context = await browser.newContext({
        baseURL: at,
        viewport: size,
        hasTouch: touch,
        isMobile: touch,
        deviceScaleFactor: 1,
        colorScheme: dark ? 'dark' : 'light',
        locale: 'ko-KR',
        timezoneId: 'Asia/Seoul',
      });
      await context.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (e) => {
          console.error(
            `content security policy: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`,
          );
        });
      });
      const person = new Person(await context.newPage(), context);
      people.push(person);
      return person;
    });
    const troubles = people.flatMap((p) => p.troubles);
    await Promise.all(people.map((p) => p.context.close()));
    expect(troubles, 'errors in the browsers').toEqual([]);
  },
});

export { expect };
