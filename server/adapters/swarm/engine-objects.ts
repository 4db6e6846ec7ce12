/** The parts of the Docker Engine API's objects that we read. Specifications are passed on whole, so they stay open records. */

export type TaskTemplate = Record<string, unknown> & {
  ContainerSpec?: Record<string, unknown> & { Image?: string };
  ForceUpdate?: number;
};

export type ServiceSpec = Record<string, unknown> & {
  Name: string;
  Labels?: Record<string, string> | null;
  TaskTemplate: TaskTemplate;
  Mode?: { Replicated?: { Replicas?: number }; Global?: object };
  UpdateConfig?: {
    Parallelism?: number;
    /** Nanoseconds, as is Monitor. */
    Delay?: number;
    FailureAction?: 'pause' | 'continue' | 'rollback';
    Monitor?: number;
    MaxFailureRatio?: number;
    Order?: 'stop-first' | 'start-first';
  };
};

interface Meta {
  ID: string;
  Version: { Index: number };
  CreatedAt: string;
  UpdatedAt: string;
}

export interface EngineService extends Meta {
  Spec: ServiceSpec;
  UpdateStatus?: { State?: string; StartedAt?: string; CompletedAt?: string; Message?: string };
  /** Only in lists, when asked for. */
  ServiceStatus?: { RunningTasks: number; DesiredTasks: number };
}

export interface EngineTask extends Meta {
  ServiceID: string;
  NodeID?: string;
  Slot?: number;
  Spec: TaskTemplate;
  Status: { Timestamp: string; State: string; Message?: string; Err?: string };
  DesiredState: string;
  NetworksAttachments?: { Network?: { DriverState?: { Name?: string } }; Addresses?: string[] }[] | null;
}

export type NodeSpec = Record<string, unknown> & {
  Labels?: Record<string, string> | null;
  Role: 'manager' | 'worker';
  Availability: 'active' | 'pause' | 'drain';
};

export interface EngineNode extends Meta {
  Spec: NodeSpec;
  Description?: {
    Hostname?: string;
    Resources?: { NanoCPUs?: number; MemoryBytes?: number };
    Engine?: { EngineVersion?: string; Labels?: Record<string, string> | null };
  };
  Status?: { State?: string; Message?: string; Addr?: string };
  ManagerStatus?: { Leader?: boolean; Addr?: string };
}
