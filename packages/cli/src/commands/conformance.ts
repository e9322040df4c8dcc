import { type Command } from 'commander';
export const conformanceCommand = (): Command => {
  throw new Error('x');
};
