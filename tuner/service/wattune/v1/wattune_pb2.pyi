import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Provenance(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROVENANCE_UNSPECIFIED: _ClassVar[Provenance]
    PROVENANCE_MEASURED: _ClassVar[Provenance]
    PROVENANCE_ESTIMATED: _ClassVar[Provenance]
    PROVENANCE_SIMULATED: _ClassVar[Provenance]

class Scope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCOPE_UNSPECIFIED: _ClassVar[Scope]
    SCOPE_GPU: _ClassVar[Scope]
    SCOPE_CPU: _ClassVar[Scope]
    SCOPE_SOC: _ClassVar[Scope]
    SCOPE_BOARD: _ClassVar[Scope]
    SCOPE_WALL: _ClassVar[Scope]

class Scenario(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCENARIO_UNSPECIFIED: _ClassVar[Scenario]
    SCENARIO_SINGLE_STREAM: _ClassVar[Scenario]
    SCENARIO_MULTI_STREAM: _ClassVar[Scenario]
    SCENARIO_OFFLINE: _ClassVar[Scenario]
    SCENARIO_SERVER: _ClassVar[Scenario]
    SCENARIO_LIVE: _ClassVar[Scenario]

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_FEASIBLE: _ClassVar[Verdict]
    VERDICT_INFEASIBLE: _ClassVar[Verdict]
    VERDICT_UNDECIDED: _ClassVar[Verdict]

class Purpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PURPOSE_UNSPECIFIED: _ClassVar[Purpose]
    PURPOSE_BASELINE: _ClassVar[Purpose]
    PURPOSE_SEARCH: _ClassVar[Purpose]
    PURPOSE_CONFIRMATION: _ClassVar[Purpose]
    PURPOSE_REFERENCE: _ClassVar[Purpose]

class StudyState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STUDY_STATE_UNSPECIFIED: _ClassVar[StudyState]
    STUDY_STATE_RUNNING: _ClassVar[StudyState]
    STUDY_STATE_DONE: _ClassVar[StudyState]
    STUDY_STATE_INFEASIBLE: _ClassVar[StudyState]
    STUDY_STATE_CANCELLED: _ClassVar[StudyState]
    STUDY_STATE_FAILED: _ClassVar[StudyState]
PROVENANCE_UNSPECIFIED: Provenance
PROVENANCE_MEASURED: Provenance
PROVENANCE_ESTIMATED: Provenance
PROVENANCE_SIMULATED: Provenance
SCOPE_UNSPECIFIED: Scope
SCOPE_GPU: Scope
SCOPE_CPU: Scope
SCOPE_SOC: Scope
SCOPE_BOARD: Scope
SCOPE_WALL: Scope
SCENARIO_UNSPECIFIED: Scenario
SCENARIO_SINGLE_STREAM: Scenario
SCENARIO_MULTI_STREAM: Scenario
SCENARIO_OFFLINE: Scenario
SCENARIO_SERVER: Scenario
SCENARIO_LIVE: Scenario
VERDICT_UNSPECIFIED: Verdict
VERDICT_FEASIBLE: Verdict
VERDICT_INFEASIBLE: Verdict
VERDICT_UNDECIDED: Verdict
PURPOSE_UNSPECIFIED: Purpose
PURPOSE_BASELINE: Purpose
PURPOSE_SEARCH: Purpose
PURPOSE_CONFIRMATION: Purpose
PURPOSE_REFERENCE: Purpose
STUDY_STATE_UNSPECIFIED: StudyState
STUDY_STATE_RUNNING: StudyState
STUDY_STATE_DONE: StudyState
STUDY_STATE_INFEASIBLE: StudyState
STUDY_STATE_CANCELLED: StudyState
STUDY_STATE_FAILED: StudyState

class Value(_message.Message):
    __slots__ = ("integer", "number", "text")
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    integer: int
    number: float
    text: str
    def __init__(self, integer: _Optional[int] = ..., number: _Optional[float] = ..., text: _Optional[str] = ...) -> None: ...

class Configuration(_message.Message):
    __slots__ = ("values",)
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.MessageMap[str, Value]
    def __init__(self, values: _Optional[_Mapping[str, Value]] = ...) -> None: ...

class Interval(_message.Message):
    __slots__ = ("low", "high")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    low: float
    high: float
    def __init__(self, low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class OrderConstraint(_message.Message):
    __slots__ = ("lower", "upper", "factor")
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    lower: str
    upper: str
    factor: float
    def __init__(self, lower: _Optional[str] = ..., upper: _Optional[str] = ..., factor: _Optional[float] = ...) -> None: ...

class Parameter(_message.Message):
    __slots__ = ("id", "unit", "kind", "choices", "owner", "switch_cost_s")
    ID_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    SWITCH_COST_S_FIELD_NUMBER: _ClassVar[int]
    id: str
    unit: str
    kind: str
    choices: _containers.RepeatedCompositeFieldContainer[Value]
    owner: str
    switch_cost_s: float
    def __init__(self, id: _Optional[str] = ..., unit: _Optional[str] = ..., kind: _Optional[str] = ..., choices: _Optional[_Iterable[_Union[Value, _Mapping]]] = ..., owner: _Optional[str] = ..., switch_cost_s: _Optional[float] = ...) -> None: ...

class ConfigurationPool(_message.Message):
    __slots__ = ("configurations",)
    CONFIGURATIONS_FIELD_NUMBER: _ClassVar[int]
    configurations: _containers.RepeatedCompositeFieldContainer[Configuration]
    def __init__(self, configurations: _Optional[_Iterable[_Union[Configuration, _Mapping]]] = ...) -> None: ...

class ConfigurationSpace(_message.Message):
    __slots__ = ("parameters", "constraints", "size", "pool")
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    parameters: _containers.RepeatedCompositeFieldContainer[Parameter]
    constraints: _containers.RepeatedCompositeFieldContainer[OrderConstraint]
    size: int
    pool: ConfigurationPool
    def __init__(self, parameters: _Optional[_Iterable[_Union[Parameter, _Mapping]]] = ..., constraints: _Optional[_Iterable[_Union[OrderConstraint, _Mapping]]] = ..., size: _Optional[int] = ..., pool: _Optional[_Union[ConfigurationPool, _Mapping]] = ...) -> None: ...

class Slo(_message.Message):
    __slots__ = ("percentile", "bound_s", "metric")
    PERCENTILE_FIELD_NUMBER: _ClassVar[int]
    BOUND_S_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    percentile: float
    bound_s: float
    metric: str
    def __init__(self, percentile: _Optional[float] = ..., bound_s: _Optional[float] = ..., metric: _Optional[str] = ...) -> None: ...

class Objective(_message.Message):
    __slots__ = ("scenario", "slos", "scope", "arrival_rate_hz", "peak_rate_hz", "arrival_rates_hz", "rate_shares")
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    SLOS_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    PEAK_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_RATES_HZ_FIELD_NUMBER: _ClassVar[int]
    RATE_SHARES_FIELD_NUMBER: _ClassVar[int]
    scenario: Scenario
    slos: _containers.RepeatedCompositeFieldContainer[Slo]
    scope: Scope
    arrival_rate_hz: float
    peak_rate_hz: float
    arrival_rates_hz: _containers.RepeatedScalarFieldContainer[float]
    rate_shares: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, scenario: _Optional[_Union[Scenario, str]] = ..., slos: _Optional[_Iterable[_Union[Slo, _Mapping]]] = ..., scope: _Optional[_Union[Scope, str]] = ..., arrival_rate_hz: _Optional[float] = ..., peak_rate_hz: _Optional[float] = ..., arrival_rates_hz: _Optional[_Iterable[float]] = ..., rate_shares: _Optional[_Iterable[float]] = ...) -> None: ...

class Energy(_message.Message):
    __slots__ = ("per_request_j", "interval", "scope", "provenance", "meter", "mean_power_w", "band", "cpu_s_per_request", "per_token_j")
    PER_REQUEST_J_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    METER_FIELD_NUMBER: _ClassVar[int]
    MEAN_POWER_W_FIELD_NUMBER: _ClassVar[int]
    BAND_FIELD_NUMBER: _ClassVar[int]
    CPU_S_PER_REQUEST_FIELD_NUMBER: _ClassVar[int]
    PER_TOKEN_J_FIELD_NUMBER: _ClassVar[int]
    per_request_j: float
    interval: Interval
    scope: Scope
    provenance: Provenance
    meter: str
    mean_power_w: float
    band: Interval
    cpu_s_per_request: float
    per_token_j: float
    def __init__(self, per_request_j: _Optional[float] = ..., interval: _Optional[_Union[Interval, _Mapping]] = ..., scope: _Optional[_Union[Scope, str]] = ..., provenance: _Optional[_Union[Provenance, str]] = ..., meter: _Optional[str] = ..., mean_power_w: _Optional[float] = ..., band: _Optional[_Union[Interval, _Mapping]] = ..., cpu_s_per_request: _Optional[float] = ..., per_token_j: _Optional[float] = ...) -> None: ...

class Latency(_message.Message):
    __slots__ = ("p50_s", "p90_s", "p95_s", "p99_s", "mean_s")
    P50_S_FIELD_NUMBER: _ClassVar[int]
    P90_S_FIELD_NUMBER: _ClassVar[int]
    P95_S_FIELD_NUMBER: _ClassVar[int]
    P99_S_FIELD_NUMBER: _ClassVar[int]
    MEAN_S_FIELD_NUMBER: _ClassVar[int]
    p50_s: float
    p90_s: float
    p95_s: float
    p99_s: float
    mean_s: float
    def __init__(self, p50_s: _Optional[float] = ..., p90_s: _Optional[float] = ..., p95_s: _Optional[float] = ..., p99_s: _Optional[float] = ..., mean_s: _Optional[float] = ...) -> None: ...

class Measurement(_message.Message):
    __slots__ = ("energy", "latency", "slo_latency_s", "verdict", "requests", "queries", "window_s", "throughput_hz", "delivered", "late_queries", "warm_up_s", "notes", "circumstances", "failed_requests", "idle_share", "tokens", "ended_early", "slo_latencies_s")
    ENERGY_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    SLO_LATENCY_S_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    WINDOW_S_FIELD_NUMBER: _ClassVar[int]
    THROUGHPUT_HZ_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    LATE_QUERIES_FIELD_NUMBER: _ClassVar[int]
    WARM_UP_S_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    CIRCUMSTANCES_FIELD_NUMBER: _ClassVar[int]
    FAILED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    IDLE_SHARE_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    ENDED_EARLY_FIELD_NUMBER: _ClassVar[int]
    SLO_LATENCIES_S_FIELD_NUMBER: _ClassVar[int]
    energy: Energy
    latency: Latency
    slo_latency_s: float
    verdict: Verdict
    requests: int
    queries: int
    window_s: float
    throughput_hz: float
    delivered: Configuration
    late_queries: int
    warm_up_s: float
    notes: _containers.RepeatedScalarFieldContainer[str]
    circumstances: Circumstances
    failed_requests: int
    idle_share: float
    tokens: Tokens
    ended_early: str
    slo_latencies_s: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, energy: _Optional[_Union[Energy, _Mapping]] = ..., latency: _Optional[_Union[Latency, _Mapping]] = ..., slo_latency_s: _Optional[float] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., requests: _Optional[int] = ..., queries: _Optional[int] = ..., window_s: _Optional[float] = ..., throughput_hz: _Optional[float] = ..., delivered: _Optional[_Union[Configuration, _Mapping]] = ..., late_queries: _Optional[int] = ..., warm_up_s: _Optional[float] = ..., notes: _Optional[_Iterable[str]] = ..., circumstances: _Optional[_Union[Circumstances, _Mapping]] = ..., failed_requests: _Optional[int] = ..., idle_share: _Optional[float] = ..., tokens: _Optional[_Union[Tokens, _Mapping]] = ..., ended_early: _Optional[str] = ..., slo_latencies_s: _Optional[_Iterable[float]] = ...) -> None: ...

class Tokens(_message.Message):
    __slots__ = ("tokens", "throughput_hz", "ttft", "tpot")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    THROUGHPUT_HZ_FIELD_NUMBER: _ClassVar[int]
    TTFT_FIELD_NUMBER: _ClassVar[int]
    TPOT_FIELD_NUMBER: _ClassVar[int]
    tokens: int
    throughput_hz: float
    ttft: Latency
    tpot: Latency
    def __init__(self, tokens: _Optional[int] = ..., throughput_hz: _Optional[float] = ..., ttft: _Optional[_Union[Latency, _Mapping]] = ..., tpot: _Optional[_Union[Latency, _Mapping]] = ...) -> None: ...

class Circumstances(_message.Message):
    __slots__ = ("delivered", "temperatures_c", "power_capped_share", "remarks", "foreign", "background_cores")
    class DeliveredEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class TemperaturesCEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURES_C_FIELD_NUMBER: _ClassVar[int]
    POWER_CAPPED_SHARE_FIELD_NUMBER: _ClassVar[int]
    REMARKS_FIELD_NUMBER: _ClassVar[int]
    FOREIGN_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_CORES_FIELD_NUMBER: _ClassVar[int]
    delivered: _containers.ScalarMap[str, float]
    temperatures_c: _containers.ScalarMap[str, float]
    power_capped_share: float
    remarks: _containers.RepeatedScalarFieldContainer[str]
    foreign: _containers.RepeatedScalarFieldContainer[str]
    background_cores: float
    def __init__(self, delivered: _Optional[_Mapping[str, float]] = ..., temperatures_c: _Optional[_Mapping[str, float]] = ..., power_capped_share: _Optional[float] = ..., remarks: _Optional[_Iterable[str]] = ..., foreign: _Optional[_Iterable[str]] = ..., background_cores: _Optional[float] = ...) -> None: ...

class Rejection(_message.Message):
    __slots__ = ("cause", "reason")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    cause: str
    reason: str
    def __init__(self, cause: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Trial(_message.Message):
    __slots__ = ("number", "configuration", "purpose", "measurement", "rejection", "started_at", "duration_s", "energy_j", "late_requests", "arrival_rate_hz")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_FIELD_NUMBER: _ClassVar[int]
    REJECTION_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    ENERGY_J_FIELD_NUMBER: _ClassVar[int]
    LATE_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    number: int
    configuration: Configuration
    purpose: Purpose
    measurement: Measurement
    rejection: Rejection
    started_at: _timestamp_pb2.Timestamp
    duration_s: float
    energy_j: float
    late_requests: int
    arrival_rate_hz: float
    def __init__(self, number: _Optional[int] = ..., configuration: _Optional[_Union[Configuration, _Mapping]] = ..., purpose: _Optional[_Union[Purpose, str]] = ..., measurement: _Optional[_Union[Measurement, _Mapping]] = ..., rejection: _Optional[_Union[Rejection, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_s: _Optional[float] = ..., energy_j: _Optional[float] = ..., late_requests: _Optional[int] = ..., arrival_rate_hz: _Optional[float] = ...) -> None: ...

class Comparison(_message.Message):
    __slots__ = ("baseline_per_request_j", "recommended_per_request_j", "saving", "saving_interval", "rounds", "knob_saving", "knob_saving_interval")
    BASELINE_PER_REQUEST_J_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDED_PER_REQUEST_J_FIELD_NUMBER: _ClassVar[int]
    SAVING_FIELD_NUMBER: _ClassVar[int]
    SAVING_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    KNOB_SAVING_FIELD_NUMBER: _ClassVar[int]
    KNOB_SAVING_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    baseline_per_request_j: float
    recommended_per_request_j: float
    saving: float
    saving_interval: Interval
    rounds: int
    knob_saving: float
    knob_saving_interval: Interval
    def __init__(self, baseline_per_request_j: _Optional[float] = ..., recommended_per_request_j: _Optional[float] = ..., saving: _Optional[float] = ..., saving_interval: _Optional[_Union[Interval, _Mapping]] = ..., rounds: _Optional[int] = ..., knob_saving: _Optional[float] = ..., knob_saving_interval: _Optional[_Union[Interval, _Mapping]] = ...) -> None: ...

class Recommendation(_message.Message):
    __slots__ = ("configuration", "trial", "comparison", "applicable", "study_only", "caveats", "break_even", "rate_table")
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    APPLICABLE_FIELD_NUMBER: _ClassVar[int]
    STUDY_ONLY_FIELD_NUMBER: _ClassVar[int]
    CAVEATS_FIELD_NUMBER: _ClassVar[int]
    BREAK_EVEN_FIELD_NUMBER: _ClassVar[int]
    RATE_TABLE_FIELD_NUMBER: _ClassVar[int]
    configuration: Configuration
    trial: int
    comparison: Comparison
    applicable: Configuration
    study_only: _containers.RepeatedScalarFieldContainer[str]
    caveats: _containers.RepeatedScalarFieldContainer[str]
    break_even: BreakEven
    rate_table: RateTable
    def __init__(self, configuration: _Optional[_Union[Configuration, _Mapping]] = ..., trial: _Optional[int] = ..., comparison: _Optional[_Union[Comparison, _Mapping]] = ..., applicable: _Optional[_Union[Configuration, _Mapping]] = ..., study_only: _Optional[_Iterable[str]] = ..., caveats: _Optional[_Iterable[str]] = ..., break_even: _Optional[_Union[BreakEven, _Mapping]] = ..., rate_table: _Optional[_Union[RateTable, _Mapping]] = ...) -> None: ...

class RateStep(_message.Message):
    __slots__ = ("from_rate_hz", "to_rate_hz", "configuration", "trial", "comparison")
    FROM_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    TO_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    from_rate_hz: float
    to_rate_hz: float
    configuration: Configuration
    trial: int
    comparison: Comparison
    def __init__(self, from_rate_hz: _Optional[float] = ..., to_rate_hz: _Optional[float] = ..., configuration: _Optional[_Union[Configuration, _Mapping]] = ..., trial: _Optional[int] = ..., comparison: _Optional[_Union[Comparison, _Mapping]] = ...) -> None: ...

class RateTable(_message.Message):
    __slots__ = ("steps", "hysteresis")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    HYSTERESIS_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[RateStep]
    hysteresis: float
    def __init__(self, steps: _Optional[_Iterable[_Union[RateStep, _Mapping]]] = ..., hysteresis: _Optional[float] = ...) -> None: ...

class BreakEven(_message.Message):
    __slots__ = ("cost_j", "saved_per_request_j", "requests", "requests_interval", "hours")
    COST_J_FIELD_NUMBER: _ClassVar[int]
    SAVED_PER_REQUEST_J_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    cost_j: float
    saved_per_request_j: float
    requests: float
    requests_interval: Interval
    hours: float
    def __init__(self, cost_j: _Optional[float] = ..., saved_per_request_j: _Optional[float] = ..., requests: _Optional[float] = ..., requests_interval: _Optional[_Union[Interval, _Mapping]] = ..., hours: _Optional[float] = ...) -> None: ...

class Absence(_message.Message):
    __slots__ = ("id", "reason", "fix")
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIX_FIELD_NUMBER: _ClassVar[int]
    id: str
    reason: str
    fix: str
    def __init__(self, id: _Optional[str] = ..., reason: _Optional[str] = ..., fix: _Optional[str] = ...) -> None: ...

class Machine(_message.Message):
    __slots__ = ("device", "provenance", "description", "meters", "absent")
    class DescriptionEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    METERS_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    device: str
    provenance: Provenance
    description: _containers.ScalarMap[str, str]
    meters: _containers.RepeatedScalarFieldContainer[str]
    absent: _containers.RepeatedCompositeFieldContainer[Absence]
    def __init__(self, device: _Optional[str] = ..., provenance: _Optional[_Union[Provenance, str]] = ..., description: _Optional[_Mapping[str, str]] = ..., meters: _Optional[_Iterable[str]] = ..., absent: _Optional[_Iterable[_Union[Absence, _Mapping]]] = ...) -> None: ...

class StudySpec(_message.Message):
    __slots__ = ("workload", "slos", "dry_run", "max_trials", "max_duration_s", "seed", "parent", "idempotency_key")
    WORKLOAD_FIELD_NUMBER: _ClassVar[int]
    SLOS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    MAX_TRIALS_FIELD_NUMBER: _ClassVar[int]
    MAX_DURATION_S_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    workload: str
    slos: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    max_trials: int
    max_duration_s: float
    seed: int
    parent: str
    idempotency_key: str
    def __init__(self, workload: _Optional[str] = ..., slos: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ..., max_trials: _Optional[int] = ..., max_duration_s: _Optional[float] = ..., seed: _Optional[int] = ..., parent: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class Study(_message.Message):
    __slots__ = ("id", "spec", "objective", "space", "machine", "state", "reason", "trials", "recommendation", "started_at", "duration_s", "search_s", "search_j", "effects")
    ID_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    SEARCH_S_FIELD_NUMBER: _ClassVar[int]
    SEARCH_J_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    spec: StudySpec
    objective: Objective
    space: ConfigurationSpace
    machine: Machine
    state: StudyState
    reason: str
    trials: _containers.RepeatedCompositeFieldContainer[Trial]
    recommendation: Recommendation
    started_at: _timestamp_pb2.Timestamp
    duration_s: float
    search_s: float
    search_j: float
    effects: _containers.RepeatedCompositeFieldContainer[ParameterEffect]
    def __init__(self, id: _Optional[str] = ..., spec: _Optional[_Union[StudySpec, _Mapping]] = ..., objective: _Optional[_Union[Objective, _Mapping]] = ..., space: _Optional[_Union[ConfigurationSpace, _Mapping]] = ..., machine: _Optional[_Union[Machine, _Mapping]] = ..., state: _Optional[_Union[StudyState, str]] = ..., reason: _Optional[str] = ..., trials: _Optional[_Iterable[_Union[Trial, _Mapping]]] = ..., recommendation: _Optional[_Union[Recommendation, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_s: _Optional[float] = ..., search_s: _Optional[float] = ..., search_j: _Optional[float] = ..., effects: _Optional[_Iterable[_Union[ParameterEffect, _Mapping]]] = ...) -> None: ...

class Ratio(_message.Message):
    __slots__ = ("median", "interval")
    MEDIAN_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    median: float
    interval: Interval
    def __init__(self, median: _Optional[float] = ..., interval: _Optional[_Union[Interval, _Mapping]] = ...) -> None: ...

class ParameterEffect(_message.Message):
    __slots__ = ("parameter", "through", "tried", "choices", "latency_ratios", "energy_ratios", "latency_left")
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    THROUGH_FIELD_NUMBER: _ClassVar[int]
    TRIED_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    LATENCY_RATIOS_FIELD_NUMBER: _ClassVar[int]
    ENERGY_RATIOS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_LEFT_FIELD_NUMBER: _ClassVar[int]
    parameter: str
    through: int
    tried: int
    choices: _containers.RepeatedCompositeFieldContainer[Value]
    latency_ratios: _containers.RepeatedCompositeFieldContainer[Ratio]
    energy_ratios: _containers.RepeatedCompositeFieldContainer[Ratio]
    latency_left: _containers.RepeatedCompositeFieldContainer[Ratio]
    def __init__(self, parameter: _Optional[str] = ..., through: _Optional[int] = ..., tried: _Optional[int] = ..., choices: _Optional[_Iterable[_Union[Value, _Mapping]]] = ..., latency_ratios: _Optional[_Iterable[_Union[Ratio, _Mapping]]] = ..., energy_ratios: _Optional[_Iterable[_Union[Ratio, _Mapping]]] = ..., latency_left: _Optional[_Iterable[_Union[Ratio, _Mapping]]] = ...) -> None: ...

class NotAbove(_message.Message):
    __slots__ = ("limit", "factor")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    limit: str
    factor: float
    def __init__(self, limit: _Optional[str] = ..., factor: _Optional[float] = ...) -> None: ...

class Knob(_message.Message):
    __slots__ = ("id", "unit", "kind", "values", "restore_class", "device", "current", "provenance", "note", "not_above", "tolerance", "settle_s", "switch_cost_s", "after", "delivery", "explored", "danger")
    ID_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    RESTORE_CLASS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    NOT_ABOVE_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    SETTLE_S_FIELD_NUMBER: _ClassVar[int]
    SWITCH_COST_S_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    EXPLORED_FIELD_NUMBER: _ClassVar[int]
    DANGER_FIELD_NUMBER: _ClassVar[int]
    id: str
    unit: str
    kind: str
    values: _containers.RepeatedCompositeFieldContainer[Value]
    restore_class: str
    device: str
    current: Value
    provenance: Provenance
    note: str
    not_above: NotAbove
    tolerance: float
    settle_s: float
    switch_cost_s: float
    after: _containers.RepeatedScalarFieldContainer[str]
    delivery: str
    explored: bool
    danger: str
    def __init__(self, id: _Optional[str] = ..., unit: _Optional[str] = ..., kind: _Optional[str] = ..., values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ..., restore_class: _Optional[str] = ..., device: _Optional[str] = ..., current: _Optional[_Union[Value, _Mapping]] = ..., provenance: _Optional[_Union[Provenance, str]] = ..., note: _Optional[str] = ..., not_above: _Optional[_Union[NotAbove, _Mapping]] = ..., tolerance: _Optional[float] = ..., settle_s: _Optional[float] = ..., switch_cost_s: _Optional[float] = ..., after: _Optional[_Iterable[str]] = ..., delivery: _Optional[str] = ..., explored: _Optional[bool] = ..., danger: _Optional[str] = ...) -> None: ...

class PowerRange(_message.Message):
    __slots__ = ("low_w", "nominal_w", "high_w")
    LOW_W_FIELD_NUMBER: _ClassVar[int]
    NOMINAL_W_FIELD_NUMBER: _ClassVar[int]
    HIGH_W_FIELD_NUMBER: _ClassVar[int]
    low_w: float
    nominal_w: float
    high_w: float
    def __init__(self, low_w: _Optional[float] = ..., nominal_w: _Optional[float] = ..., high_w: _Optional[float] = ...) -> None: ...

class PowerCoefficients(_message.Message):
    __slots__ = ("static", "cpu_core")
    STATIC_FIELD_NUMBER: _ClassVar[int]
    CPU_CORE_FIELD_NUMBER: _ClassVar[int]
    static: PowerRange
    cpu_core: PowerRange
    def __init__(self, static: _Optional[_Union[PowerRange, _Mapping]] = ..., cpu_core: _Optional[_Union[PowerRange, _Mapping]] = ...) -> None: ...

class Calibration(_message.Message):
    __slots__ = ("meter", "scope", "factor", "base_w", "error")
    METER_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    BASE_W_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    meter: str
    scope: Scope
    factor: float
    base_w: float
    error: float
    def __init__(self, meter: _Optional[str] = ..., scope: _Optional[_Union[Scope, str]] = ..., factor: _Optional[float] = ..., base_w: _Optional[float] = ..., error: _Optional[float] = ...) -> None: ...

class Meter(_message.Message):
    __slots__ = ("id", "quantity", "scope", "provenance", "update_period_s", "resolution", "device", "note", "coefficients", "accuracy", "duty", "calibration")
    ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_PERIOD_S_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    COEFFICIENTS_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    DUTY_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    id: str
    quantity: str
    scope: Scope
    provenance: Provenance
    update_period_s: float
    resolution: float
    device: str
    note: str
    coefficients: PowerCoefficients
    accuracy: float
    duty: float
    calibration: Calibration
    def __init__(self, id: _Optional[str] = ..., quantity: _Optional[str] = ..., scope: _Optional[_Union[Scope, str]] = ..., provenance: _Optional[_Union[Provenance, str]] = ..., update_period_s: _Optional[float] = ..., resolution: _Optional[float] = ..., device: _Optional[str] = ..., note: _Optional[str] = ..., coefficients: _Optional[_Union[PowerCoefficients, _Mapping]] = ..., accuracy: _Optional[float] = ..., duty: _Optional[float] = ..., calibration: _Optional[_Union[Calibration, _Mapping]] = ...) -> None: ...

class GetInventoryRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetInventoryResponse(_message.Message):
    __slots__ = ("knobs", "meters", "absent", "monitored")
    KNOBS_FIELD_NUMBER: _ClassVar[int]
    METERS_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    MONITORED_FIELD_NUMBER: _ClassVar[int]
    knobs: _containers.RepeatedCompositeFieldContainer[Knob]
    meters: _containers.RepeatedCompositeFieldContainer[Meter]
    absent: _containers.RepeatedCompositeFieldContainer[Absence]
    monitored: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, knobs: _Optional[_Iterable[_Union[Knob, _Mapping]]] = ..., meters: _Optional[_Iterable[_Union[Meter, _Mapping]]] = ..., absent: _Optional[_Iterable[_Union[Absence, _Mapping]]] = ..., monitored: _Optional[_Iterable[str]] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("version", "device", "running_study", "phase", "trial", "confirmed", "workloads")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    RUNNING_STUDY_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    WORKLOADS_FIELD_NUMBER: _ClassVar[int]
    version: str
    device: str
    running_study: str
    phase: str
    trial: Configuration
    confirmed: Configuration
    workloads: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, version: _Optional[str] = ..., device: _Optional[str] = ..., running_study: _Optional[str] = ..., phase: _Optional[str] = ..., trial: _Optional[_Union[Configuration, _Mapping]] = ..., confirmed: _Optional[_Union[Configuration, _Mapping]] = ..., workloads: _Optional[_Iterable[str]] = ...) -> None: ...

class GetStudyRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetStudyResponse(_message.Message):
    __slots__ = ("study",)
    STUDY_FIELD_NUMBER: _ClassVar[int]
    study: Study
    def __init__(self, study: _Optional[_Union[Study, _Mapping]] = ...) -> None: ...

class ListStudiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListStudiesResponse(_message.Message):
    __slots__ = ("studies",)
    STUDIES_FIELD_NUMBER: _ClassVar[int]
    studies: _containers.RepeatedCompositeFieldContainer[Study]
    def __init__(self, studies: _Optional[_Iterable[_Union[Study, _Mapping]]] = ...) -> None: ...

class WatchStudyRequest(_message.Message):
    __slots__ = ("id", "after_sequence")
    ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    id: str
    after_sequence: int
    def __init__(self, id: _Optional[str] = ..., after_sequence: _Optional[int] = ...) -> None: ...

class WatchStudyResponse(_message.Message):
    __slots__ = ("sequence", "phase", "state", "trial", "incumbent", "saving", "reason")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    INCUMBENT_FIELD_NUMBER: _ClassVar[int]
    SAVING_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    phase: str
    state: StudyState
    trial: Trial
    incumbent: int
    saving: float
    reason: str
    def __init__(self, sequence: _Optional[int] = ..., phase: _Optional[str] = ..., state: _Optional[_Union[StudyState, str]] = ..., trial: _Optional[_Union[Trial, _Mapping]] = ..., incumbent: _Optional[int] = ..., saving: _Optional[float] = ..., reason: _Optional[str] = ...) -> None: ...

class GetParetoFrontRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetParetoFrontResponse(_message.Message):
    __slots__ = ("trials",)
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    trials: _containers.RepeatedCompositeFieldContainer[Trial]
    def __init__(self, trials: _Optional[_Iterable[_Union[Trial, _Mapping]]] = ...) -> None: ...

class VerifyKnobsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class KnobMismatch(_message.Message):
    __slots__ = ("id", "wanted", "found")
    ID_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    id: str
    wanted: Value
    found: Value
    def __init__(self, id: _Optional[str] = ..., wanted: _Optional[_Union[Value, _Mapping]] = ..., found: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...

class VerifyKnobsResponse(_message.Message):
    __slots__ = ("confirmed", "mismatches")
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    MISMATCHES_FIELD_NUMBER: _ClassVar[int]
    confirmed: Configuration
    mismatches: _containers.RepeatedCompositeFieldContainer[KnobMismatch]
    def __init__(self, confirmed: _Optional[_Union[Configuration, _Mapping]] = ..., mismatches: _Optional[_Iterable[_Union[KnobMismatch, _Mapping]]] = ...) -> None: ...

class StartStudyRequest(_message.Message):
    __slots__ = ("spec",)
    SPEC_FIELD_NUMBER: _ClassVar[int]
    spec: StudySpec
    def __init__(self, spec: _Optional[_Union[StudySpec, _Mapping]] = ...) -> None: ...

class StartStudyResponse(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class RetuneRequest(_message.Message):
    __slots__ = ("parent", "dry_run", "max_trials", "max_duration_s", "seed", "idempotency_key")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    MAX_TRIALS_FIELD_NUMBER: _ClassVar[int]
    MAX_DURATION_S_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    parent: str
    dry_run: bool
    max_trials: int
    max_duration_s: float
    seed: int
    idempotency_key: str
    def __init__(self, parent: _Optional[str] = ..., dry_run: _Optional[bool] = ..., max_trials: _Optional[int] = ..., max_duration_s: _Optional[float] = ..., seed: _Optional[int] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class RetuneResponse(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class CancelStudyRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class CancelStudyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ApplyConfigurationRequest(_message.Message):
    __slots__ = ("values", "study", "hold_s", "rate_hz")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    STUDY_FIELD_NUMBER: _ClassVar[int]
    HOLD_S_FIELD_NUMBER: _ClassVar[int]
    RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    values: Configuration
    study: str
    hold_s: float
    rate_hz: float
    def __init__(self, values: _Optional[_Union[Configuration, _Mapping]] = ..., study: _Optional[str] = ..., hold_s: _Optional[float] = ..., rate_hz: _Optional[float] = ...) -> None: ...

class ApplyConfigurationResponse(_message.Message):
    __slots__ = ("applied", "study_only", "warning")
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    STUDY_ONLY_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    applied: Configuration
    study_only: _containers.RepeatedScalarFieldContainer[str]
    warning: str
    def __init__(self, applied: _Optional[_Union[Configuration, _Mapping]] = ..., study_only: _Optional[_Iterable[str]] = ..., warning: _Optional[str] = ...) -> None: ...

class ConfirmConfigurationRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ConfirmConfigurationResponse(_message.Message):
    __slots__ = ("confirmed",)
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    confirmed: Configuration
    def __init__(self, confirmed: _Optional[_Union[Configuration, _Mapping]] = ...) -> None: ...

class RestoreKnobsRequest(_message.Message):
    __slots__ = ("confirmed",)
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    confirmed: bool
    def __init__(self, confirmed: _Optional[bool] = ...) -> None: ...

class KnobNote(_message.Message):
    __slots__ = ("id", "sentence")
    ID_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    id: str
    sentence: str
    def __init__(self, id: _Optional[str] = ..., sentence: _Optional[str] = ...) -> None: ...

class RestoreKnobsResponse(_message.Message):
    __slots__ = ("restored", "pending", "notes")
    RESTORED_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    restored: _containers.RepeatedScalarFieldContainer[str]
    pending: _containers.RepeatedScalarFieldContainer[str]
    notes: _containers.RepeatedCompositeFieldContainer[KnobNote]
    def __init__(self, restored: _Optional[_Iterable[str]] = ..., pending: _Optional[_Iterable[str]] = ..., notes: _Optional[_Iterable[_Union[KnobNote, _Mapping]]] = ...) -> None: ...
