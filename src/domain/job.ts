export type JobStatus = 'Completed' | 'Failed' | 'Canceled' | 'Running';

export type JobInputType = 'uri_file' | 'uri_folder' | 'literal';

export interface JobInput {
  readonly type: JobInputType;
  /** `uri_*`: an azureml:// URI; `literal`: the value. */
  readonly value: string;
}

export interface JobOutput {
  readonly type: 'uri_folder' | 'uri_file';
  /** azureml:// URI of the place it goes to; left out, the service decides. */
  readonly uri?: string;
}
