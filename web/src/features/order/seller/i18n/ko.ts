/** What the console says about orders. This dictionary is the type: en.ts must match. */
const ko = {
  orders: {
    heading: '주문',
    filter: '주문 상태',
    all: '전체',
    list: '주문 목록',
    failed: '주문 목록을 불러오지 못했습니다.',
    empty: '해당하는 주문이 없습니다',
    emptyHint: '주문이 들어오면 여기에 나타납니다.',
    pick: '주문을 선택하면 자세히 보입니다',
    refresh: '새로 고침',
    toList: '주문 목록으로',
    detailFailed: '주문을 불러오지 못했습니다.',
    missing: '없는 주문이거나 볼 수 없는 주문입니다.',
    buyer: '주문자',
    placedAt: '주문 시각',
    changedAt: '마지막 변경',
    items: '주문 상품',
    quantity: (n: number) => `${n}개`,
    total: '합계',
    steps: '다음 단계',
    noSteps: '더 진행할 단계가 없습니다',
    waitingForPayment: '구매자의 결제를 기다리고 있습니다',
    waitingForBuyer: '구매자의 구매 확정을 기다리고 있습니다',
    step: {
      placed: '접수',
      paid: '결제 확인',
      preparing: '상품 준비 시작',
      shipped: '배송 시작',
      delivered: '배송 완료 처리',
      completed: '구매 확정',
      cancelled: '주문 취소',
      refunded: '환불',
    },
    sureHeading: {
      cancelled: '주문을 취소할까요?',
      refunded: '환불할까요?',
    },
    sureWhy: '되돌릴 수 없습니다. 구매자에게 알림이 갑니다.',
    keep: '그대로 두기',
    stepped: (number: string, status: string) => `주문 ${number}: ${status}`,
    stepFailed: '다음 단계로 넘기지 못했습니다.',
  },
};

export type Words = typeof ko;
export default ko;
