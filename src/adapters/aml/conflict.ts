import { AmlpromoteError } from '../../domain/errors.ts';

/**
 * ARM answers 409 for "this name stands for something else" and for "another operation is under way" alike (Resource Manager,
 * "Resolve errors": Conflict). What is there decides: with nothing there, it was the second, and nothing is refused for good.
 */
export const passingConflict = (said: string, cause?: unknown): AmlpromoteError =>
  new AmlpromoteError(
    'SERVICE_FAILED',
    `${said}; yet nothing is there: another operation seems to be under way`,
    {
      nextSteps: ['Run again in a minute; what is done stays done.'],
      ...(cause === undefined ? {} : { cause }),
    },
  );
