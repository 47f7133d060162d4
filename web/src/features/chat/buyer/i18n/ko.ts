/** Fetched with the pages that need them; en.ts must have every entry. */
const ko = {
  title: '내 문의',
  failed: '문의를 불러오지 못했습니다.',
  none: '아직 문의가 없습니다. 상품에서 판매자에게 물어보세요.',
  shop: '상품 둘러보기',
  choose: '대화를 골라 주세요.',
  noMessage: '아직 메시지가 없습니다',
  mine: (text: string) => `나: ${text}`,
  drawer: '판매자와의 대화',
  backToList: '문의 목록으로',
  openPage: '크게 보기',
  askFailed: '문의를 열지 못했습니다.',
  presence: {
    now: '지금 접속 중',
    minutes: (n: number) => `${n}분 전 접속`,
    today: '오늘 접속',
  },
  states: { waiting: '답변 대기', open: '상담 중', held: '확인 중', done: '종료' },
};

export type InquiryWords = typeof ko;
export default ko;
