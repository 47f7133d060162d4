/** Fetched with the pages that need them; en.ts must have every entry. */
const ko = {
  title: '내 주문',
  failed: '주문을 불러오지 못했습니다.',
  none: '아직 주문이 없습니다.',
  shop: '상품 둘러보기',
  notFound: '없는 주문입니다.',
  items: '주문 상품',
  total: '총 금액',
  orderedAt: '주문 일시',
  seller: '판매자',
  progress: '진행 상태',
  each: (price: string, n: number) => `${price} × ${n}`,
  ask: '문의하기',
  steps: {
    placed: '다시 주문',
    paid: '결제하기',
    preparing: '준비 시작',
    shipped: '배송 시작',
    delivered: '배송 완료',
    completed: '구매 확정',
    cancelled: '주문 취소',
    refunded: '환불받기',
  },
  demoPayment: '데모 결제입니다. 실제로 청구되지 않습니다.',
  stepFailed: '처리하지 못했습니다.',
  sure: {
    cancelled: '이 주문을 취소할까요?',
    completed: '상품을 잘 받으셨나요? 확정하면 되돌릴 수 없습니다.',
    refunded: '이 주문을 환불받을까요?',
  },
  keep: '아니요',
};

export type OrderWords = typeof ko;
export default ko;
