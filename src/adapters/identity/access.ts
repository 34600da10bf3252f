/** Who a zone's side is, from its `access` in the zones manifest. */
export interface IdentityAccess {
  /** Entra tenant id. */
  readonly tenant: string;
  readonly identity: {
    /**
     * `workload`: a federated token in a file (CI systems, Kubernetes) · `managed`: the machine's managed identity · `cli`: whoever is
     * logged in to the Azure CLI · `default`: the SDK's usual chain.
     */
    readonly kind: 'workload' | 'managed' | 'cli' | 'default';
    readonly clientId?: string | undefined;
    /** Absolute path; `workload` only. */
    readonly tokenFile?: string | undefined;
  };
}
