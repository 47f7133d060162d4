import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { apiOf, json, member, problem, type Answer } from '../../../kit/seller/testing/fixture';
import type { Role } from './staff.svelte';
import StaffPanel from './StaffPanel.svelte';

const staff = (id: string, role: Role) => ({
  member_id: id,
  name: id === 'm1' ? '박달님' : `직원 ${id}`,
  email: `${id}@demo.mall`,
  role,
});

const invitation = (id: string, email: string, role: Role) => ({
  id,
  shop_id: 's1',
  shop_name: '달빛상점',
  email,
  role,
  invited_by: '박달님',
  created_at: '2026-11-22T00:00:00Z',
  expires_at: '2026-11-29T00:00:00Z',
});

function open(role: Role, answers: Record<string, Answer> = {}) {
  const { api, asked } = apiOf({
    'GET /shops/s1/staff': () => ({ items: [staff('m1', role), staff('m2', 'agent')] }),
    'GET /shops/s1/invitations': () => ({ items: [invitation('i1', 'jin@test.kr', 'agent')] }),
    ...answers,
  });
  const onchanged = vi.fn();
  const shop = { id: 's1', name: '달빛상점', role };
  render(StaffPanel, { props: { api, shop, member, onchanged } });
  return { asked, onchanged, user: userEvent.setup() };
}

const row = async (name: string) =>
  within((await screen.findByText(name)).closest('li') as HTMLElement);

describe('staff', () => {
  it('lets an owner give roles', async () => {
    const { asked, user } = open('owner', {
      'PUT /shops/s1/staff/m2': (_, body) => staff('m2', (body as { role: Role }).role),
    });
    const select = (await row('직원 m2')).getByLabelText<HTMLSelectElement>('직원 m2님의 역할');
    await user.selectOptions(select, '매니저');
    await waitFor(() => expect(select.value).toBe('manager'));
    expect(asked.at(-1)?.body).toEqual({ role: 'manager' });
  });

  it('shows the role that still is when it could not be changed', async () => {
    const { user } = open('owner', {
      'PUT /shops/s1/staff/m1': () => problem(409, 'last_owner'),
    });
    const select = (await row('박달님 (나)')).getByLabelText<HTMLSelectElement>(/역할/);
    await user.selectOptions(select, '상담원');
    await waitFor(() => expect(select.disabled).toBe(false));
    expect(select.value).toBe('owner');
  });

  it('invites by e-mail and says why it could not', async () => {
    let known = true;
    const { asked, user } = open('owner', {
      'POST /shops/s1/invitations': () =>
        known
          ? problem(409, 'already_invited')
          : json(invitation('i2', 'seo@test.kr', 'agent'), 201),
    });
    const email = await screen.findByLabelText('초대할 사람의 이메일');
    await user.click(screen.getByRole('button', { name: '초대하기' }));
    expect(screen.getByText('이메일을 입력해 주세요.')).toBeTruthy();
    await user.type(email, 'seo@test.kr{Enter}');
    await screen.findByText(/이미 초대한 이메일입니다/);
    known = false;
    await user.click(screen.getByRole('button', { name: '초대하기' }));
    await within(screen.getByRole('list', { name: '보낸 초대' })).findByText('seo@test.kr');
    expect(asked.at(-1)?.body).toEqual({ email: 'seo@test.kr', role: 'agent' });
  });

  it('takes an invitation back', async () => {
    const { user } = open('manager', {
      'DELETE /shops/s1/invitations/i1': () => new Response(null, { status: 204 }),
    });
    await user.click(await screen.findByRole('button', { name: 'jin@test.kr 초대 취소' }));
    await waitFor(() => expect(screen.queryByText('jin@test.kr')).toBeNull());
  });

  it('asks before removing', async () => {
    const { asked, user } = open('owner', {
      'DELETE /shops/s1/staff/m2': () => new Response(null, { status: 204 }),
    });
    await user.click((await row('직원 m2')).getByRole('button', { name: '직원 m2님 내보내기' }));
    expect(asked.some(({ what }) => what.startsWith('DELETE'))).toBe(false);
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: '내보내기' }));
    await waitFor(() => expect(screen.queryByText('직원 m2')).toBeNull());
  });

  it('gives a manager agents only, and an agent nobody but themselves', async () => {
    open('manager');
    expect((await row('직원 m2')).queryByRole('combobox')).toBeNull();
    expect((await row('직원 m2')).getByRole('button')).toBeTruthy();
    expect(screen.getByLabelText<HTMLSelectElement>('역할').options).toHaveLength(1);
  });

  it('lets an agent look and leave', async () => {
    const { asked, onchanged, user } = open('agent', {
      'DELETE /shops/s1/staff/m1': () => new Response(null, { status: 204 }),
    });
    expect((await row('직원 m2')).queryByRole('button')).toBeNull();
    expect(screen.queryByRole('button', { name: '초대하기' })).toBeNull();
    // An agent may not see invitations, and does not ask for them.
    expect(asked.map(({ what }) => what)).toEqual(['GET /shops/s1/staff']);
    await user.click((await row('박달님 (나)')).getByRole('button', { name: '나가기' }));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: '나가기' }));
    await waitFor(() => expect(onchanged).toHaveBeenCalled());
  });
});
