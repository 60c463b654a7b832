export type { AnswerFormat, Plan } from './plan/generated.ts';
