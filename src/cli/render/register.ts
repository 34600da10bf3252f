import type { RegisterReport } from '../../steps/register.ts';
import type { RegisterOutput } from '../outputs.ts';
import { clean } from '../text.ts';

export const registerDocument = (report: RegisterReport): RegisterOutput => ({
  environment: {
    ...report.environment,
    image: report.image,
    workspace: report.workspace.name,
    already: report.already,
  },
  notes: [...report.notes],
});

export const renderRegister = ({ environment, notes }: RegisterOutput): string =>
  [environment.id, `image  ${environment.image}`, ...notes.map((note) => `note   ${clean(note)}`)].join('\n');
