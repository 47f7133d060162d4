import type { Schemas } from '../../../api/client';

type Product = Schemas['Product'];
type Category = Schemas['Category'];

/** A product as it stands in the form: numbers are still what was typed. */
export interface ProductFields {
  name: string;
  category: Category;
  price_won: string;
  list_price_won: string;
  stock: string;
  description: string;
  hidden: boolean;
}

export type FieldName = keyof ProductFields;
/** Why a field cannot stay as it is. */
export type FieldProblem = 'required' | 'number' | 'tooLong' | 'tooHigh' | 'listPrice' | 'refused';
export type FieldProblems = Partial<Record<FieldName, FieldProblem>>;

export const categories: readonly Category[] = [
  'fashion',
  'beauty',
  'food',
  'home',
  'digital',
  'hobby',
];
export const fieldNames: readonly FieldName[] = [
  'name',
  'category',
  'price_won',
  'list_price_won',
  'stock',
  'description',
  'hidden',
];
/** What the API takes: code points of texts, and the highest numbers. */
export const limits = { name: 120, description: 4000, won: 1_000_000_000, stock: 1_000_000 };

export function emptyFields(): ProductFields {
  return {
    name: '',
    category: 'fashion',
    price_won: '',
    list_price_won: '',
    stock: '',
    description: '',
    hidden: false,
  };
}

export function fieldsOf(product: Product): ProductFields {
  return {
    name: product.name,
    category: product.category,
    price_won: String(product.price_won),
    list_price_won: product.list_price_won ? String(product.list_price_won) : '',
    stock: String(product.stock),
    description: product.description,
    hidden: product.hidden,
  };
}

/** A whole number as people type it ("39,000", "39000원"), or undefined. */
export function readNumber(text: string): number | undefined {
  const digits = text.replace(/[\s,원₩개]/g, '').replace('−', '-');
  return /^-?\d{1,12}$/.test(digits) ? Number(digits) : undefined;
}

/** What is wrong with the form; `withStock` where the stock is part of it (a new product). */
export function problemsOf(fields: ProductFields, withStock: boolean): FieldProblems {
  const problems: FieldProblems = {};
  const say = (name: FieldName, problem: FieldProblem | undefined) => {
    if (problem) problems[name] = problem;
  };
  say('name', textProblem(fields.name.trim(), limits.name, true));
  say('description', textProblem(fields.description, limits.description, false));
  say('price_won', numberProblem(fields.price_won, limits.won, true));
  say('list_price_won', listPriceProblem(fields));
  if (withStock) say('stock', numberProblem(fields.stock, limits.stock, true));
  return problems;
}

function textProblem(text: string, limit: number, required: boolean): FieldProblem | undefined {
  if (required && text === '') return 'required';
  return [...text].length > limit ? 'tooLong' : undefined;
}

function numberProblem(text: string, limit: number, required: boolean): FieldProblem | undefined {
  if (text.trim() === '') return required ? 'required' : undefined;
  const number = readNumber(text);
  if (number === undefined || number < 0) return 'number';
  return number > limit ? 'tooHigh' : undefined;
}

function listPriceProblem(fields: ProductFields): FieldProblem | undefined {
  const problem = numberProblem(fields.list_price_won, limits.won, false);
  if (problem) return problem;
  const listPrice = readNumber(fields.list_price_won);
  const price = readNumber(fields.price_won);
  return listPrice && price !== undefined && listPrice <= price ? 'listPrice' : undefined;
}

/** The request that creates the product; only for fields without problems. */
export function draftOf(fields: ProductFields): Schemas['ProductDraft'] {
  const listPrice = readNumber(fields.list_price_won);
  return {
    name: fields.name.trim(),
    description: fields.description,
    category: fields.category,
    price_won: readNumber(fields.price_won) ?? 0,
    stock: readNumber(fields.stock) ?? 0,
    hidden: fields.hidden,
    ...(listPrice ? { list_price_won: listPrice } : {}),
  };
}

/**
 * The request that makes the product what the form says: changed fields only, so that a colleague's change to
 * another field stays. Undefined when nothing has changed. A list price of 0 ends a sale.
 */
export function editOf(
  fields: ProductFields,
  product: Product,
): Schemas['ProductEdit'] | undefined {
  const wanted = { ...draftOf(fields), list_price_won: readNumber(fields.list_price_won) ?? 0 };
  const before = { ...product, list_price_won: product.list_price_won ?? 0 };
  const names = Object.keys(wanted) as (keyof typeof wanted)[];
  const changed = names
    .filter((name) => name !== 'stock' && wanted[name] !== before[name])
    .map((name) => [name, wanted[name]]);
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}
