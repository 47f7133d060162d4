/** The buyer app's texts; en.ts must have every entry. */
const ko = {
  nav: {
    label: '주요 메뉴',
    inquiries: '내 문의',
    orders: '내 주문',
    account: '내 계정',
    signIn: '로그인',
    signOut: '로그아웃',
    signedOut: '로그아웃했습니다.',
    seller: '판매자 센터',
  },
  home: {
    title: '오늘의 상품',
    search: '상품 검색',
    searchHint: '어떤 상품을 찾으세요?',
    categories: '분류',
    all: '전체',
    results: (q: string) => `‘${q}’ 검색 결과`,
    none: '찾는 상품이 없습니다.',
    noneFor: (q: string) => `‘${q}’에 맞는 상품이 없습니다.`,
    showAll: '전체 상품 보기',
    failed: '상품을 불러오지 못했습니다.',
    loadedMore: (n: number) => `상품 ${n}개를 더 불러왔습니다.`,
    end: '모두 보았습니다',
  },
  members: {
    needed: '로그인하면 볼 수 있습니다.',
    failedCheck: '로그인 상태를 확인하지 못했습니다.',
  },
  newVersion: '새 버전이 있습니다.',
  reload: '새로고침',
  chatFailed: '채팅을 시작하지 못했습니다.',
};

export type Words = typeof ko;
export default ko;
