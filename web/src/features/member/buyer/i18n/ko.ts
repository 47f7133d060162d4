/** Fetched with the pages that need them; en.ts must have every entry. */
const ko = {
  title: '로그인',
  upTitle: '회원가입',
  why: '로그인하면 하던 일을 이어서 할 수 있습니다.',
  email: '이메일',
  password: '비밀번호',
  passwordHint: '8자 이상. 흔한 비밀번호나 이름·이메일이 들어간 비밀번호는 쓸 수 없습니다.',
  name: '이름',
  nameHint: '판매자에게 보이는 이름입니다',
  submit: '로그인',
  upSubmit: '가입하기',
  toUp: '처음이신가요? 회원가입',
  toIn: '계정이 있으신가요? 로그인',
  failed: '로그인하지 못했습니다.',
  upFailed: '가입하지 못했습니다.',
  wrong: '이메일 또는 비밀번호가 맞지 않습니다.',
  taken: '이미 가입된 이메일입니다.',
  weak: '너무 흔하거나 추측하기 쉬운 비밀번호입니다. 다른 비밀번호를 써 주세요.',
  badEmail: '이메일 주소를 확인해 주세요.',
  badName: '이름은 40자까지 쓸 수 있습니다.',
  missing: '입력해 주세요.',
  short: '8자 이상이어야 합니다.',
  welcome: (name: string) => `${name}님, 반갑습니다.`,
};

export type SignInWords = typeof ko;
export default ko;
