// SPDX-License-Identifier: GPL-2.0
/*
 * Three thermal zones, as a Jetson names them: cpu-thermal cools every cpufreq
 * policy, gpu-thermal the devfreq GPU, and cv0-thermal has no value, as of a
 * part that is powered off.
 *
 * A cpufreq policy is capped as drivers/thermal/cpufreq_cooling.c does it: a
 * request of ours for a highest clock, which the core merges with the user's.
 * (That file is built only where there are device trees.)
 */

#include <linux/cpufreq.h>
#include <linux/pm_qos.h>
#include <linux/slab.h>
#include <linux/thermal.h>

#include "silicon.h"

#define COOL_MILLI_C	45000
#define HOT_MILLI_C	90000
#define HYSTERESIS_MILLI_C 5000
#define CAPPED_STATE	4	/* how far a zone that is too hot goes down, in clocks below the highest */

/**
 * struct heat_zone - a thermal zone
 * @name:    as in its type
 * @cools:   how the types of its cooling devices begin; NULL if it cools nothing
 * @milli_c: how hot it is; negative for no value
 * @zone:    what the core knows
 */
struct heat_zone {
	const char *name;
	const char *cools;
	int milli_c;
	struct thermal_zone_device *zone;
};

static struct heat_zone zones[] = {
	{ "cpu-thermal", "cpufreq-", COOL_MILLI_C },
	{ "gpu-thermal", "devfreq-", COOL_MILLI_C },
	{ "cv0-thermal", NULL, -1 },
};

/**
 * struct cap - a highest clock of ours for one policy
 * @policy:  the policy
 * @request: what we ask the core for
 * @state:   how many clocks below the highest; 0 for no cap
 * @device:  what the core knows
 */
struct cap {
	struct cpufreq_policy *policy;
	struct freq_qos_request request;
	unsigned long state;
	struct thermal_cooling_device *device;
};

static struct cap *caps[SILICON_CLUSTERS];

static unsigned long highest_state(const struct cap *cap)
{
	return cpufreq_table_count_valid_entries(cap->policy) - 1;
}

static int cap_max_state(struct thermal_cooling_device *device, unsigned long *state)
{
	*state = highest_state(device->devdata);
	return 0;
}

static int cap_cur_state(struct thermal_cooling_device *device, unsigned long *state)
{
	*state = ((struct cap *)device->devdata)->state;
	return 0;
}

static int cap_set_state(struct thermal_cooling_device *device, unsigned long state)
{
	struct cap *cap = device->devdata;
	s32 khz = FREQ_QOS_MAX_DEFAULT_VALUE;
	int error;

	if (state > highest_state(cap))
		return -EINVAL;
	if (state)
		khz = cap->policy->freq_table[highest_state(cap) - state].frequency;
	error = freq_qos_update_request(&cap->request, khz);
	if (error < 0)
		return error;
	cap->state = state;
	return 0;
}

static const struct thermal_cooling_device_ops cap_ops = {
	.get_max_state = cap_max_state,
	.get_cur_state = cap_cur_state,
	.set_cur_state = cap_set_state,
};

static void add_cap(struct cpufreq_policy *policy)
{
	struct cap *cap = kzalloc(sizeof(*cap), GFP_KERNEL);
	char name[THERMAL_NAME_LENGTH];

	if (!cap)
		return;
	cap->policy = policy;
	freq_qos_add_request(&policy->constraints, &cap->request, FREQ_QOS_MAX, FREQ_QOS_MAX_DEFAULT_VALUE);
	snprintf(name, sizeof(name), "cpufreq-cpu%u", policy->cpu);
	cap->device = thermal_cooling_device_register(name, cap, &cap_ops);
	caps[policy->cpu] = cap;
}

static void remove_cap(struct cap **place)
{
	struct cap *cap = *place;

	if (!cap)
		return;
	*place = NULL;
	if (!IS_ERR(cap->device))
		thermal_cooling_device_unregister(cap->device);
	freq_qos_remove_request(&cap->request);
	kfree(cap);
}

static struct cap **cap_of(const struct cpufreq_policy *policy)
{
	int i;

	for (i = 0; i < SILICON_CLUSTERS; i++)
		if (caps[i] && caps[i]->policy == policy)
			return &caps[i];
	return NULL;
}

static int policy_changed(struct notifier_block *block, unsigned long event, void *data)
{
	struct cpufreq_policy *policy = data;
	struct cap **place;

	if (event == CPUFREQ_CREATE_POLICY && policy->cpu < SILICON_CLUSTERS)
		add_cap(policy);
	if (event == CPUFREQ_REMOVE_POLICY) {
		place = cap_of(policy);
		if (place)
			remove_cap(place);
	}
	return NOTIFY_OK;
}

static struct notifier_block policies = { .notifier_call = policy_changed };

static bool cools(const struct heat_zone *zone, const struct thermal_cooling_device *device)
{
	return zone->cools && strstarts(device->type, zone->cools);
}

static int zone_get_temp(struct thermal_zone_device *device, int *milli_c);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)

static struct heat_zone *zone_of(struct thermal_zone_device *device)
{
	return thermal_zone_device_priv(device);
}

static bool zone_should_bind(struct thermal_zone_device *device, const struct thermal_trip *trip,
			     struct thermal_cooling_device *cooling, struct cooling_spec *spec)
{
	spec->lower = CAPPED_STATE;
	spec->upper = CAPPED_STATE;
	return cools(zone_of(device), cooling);
}

static const struct thermal_zone_device_ops zone_ops = {
	.get_temp = zone_get_temp,
	.should_bind = zone_should_bind,
};

static struct thermal_zone_device *add_zone(struct heat_zone *zone)
{
	static const struct thermal_trip too_hot = {
		.temperature = HOT_MILLI_C,
		.hysteresis = HYSTERESIS_MILLI_C,
		.type = THERMAL_TRIP_PASSIVE,
	};

	return thermal_zone_device_register_with_trips(zone->name, &too_hot, 1, zone, &zone_ops, NULL, 0, 0);
}

#else

static struct heat_zone *zone_of(struct thermal_zone_device *device)
{
	return device->devdata;
}

static int zone_bind(struct thermal_zone_device *device, struct thermal_cooling_device *cooling)
{
	if (!cools(zone_of(device), cooling))
		return 0;
	return thermal_zone_bind_cooling_device(device, 0, cooling, CAPPED_STATE, CAPPED_STATE, THERMAL_WEIGHT_DEFAULT);
}

static int zone_unbind(struct thermal_zone_device *device, struct thermal_cooling_device *cooling)
{
	if (!cools(zone_of(device), cooling))
		return 0;
	return thermal_zone_unbind_cooling_device(device, 0, cooling);
}

static int zone_get_trip_type(struct thermal_zone_device *device, int trip, enum thermal_trip_type *type)
{
	*type = THERMAL_TRIP_PASSIVE;
	return 0;
}

static int zone_get_trip_temp(struct thermal_zone_device *device, int trip, int *milli_c)
{
	*milli_c = HOT_MILLI_C;
	return 0;
}

static int zone_get_trip_hyst(struct thermal_zone_device *device, int trip, int *milli_c)
{
	*milli_c = HYSTERESIS_MILLI_C;
	return 0;
}

static struct thermal_zone_device_ops zone_ops = {
	.get_temp = zone_get_temp,
	.bind = zone_bind,
	.unbind = zone_unbind,
	.get_trip_type = zone_get_trip_type,
	.get_trip_temp = zone_get_trip_temp,
	.get_trip_hyst = zone_get_trip_hyst,
};

static struct thermal_zone_device *add_zone(struct heat_zone *zone)
{
	return thermal_zone_device_register(zone->name, 1, 0, zone, &zone_ops, NULL, 0, 0);
}

#endif

static int zone_get_temp(struct thermal_zone_device *device, int *milli_c)
{
	int error = silicon_verdict(&silicon_thermal);

	*milli_c = READ_ONCE(zone_of(device)->milli_c);
	if (error)
		return error;
	return *milli_c < 0 ? -EAGAIN : 0;
}

static void unplug(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(zones); i++) {
		if (!IS_ERR_OR_NULL(zones[i].zone))
			thermal_zone_device_unregister(zones[i].zone);
		zones[i].zone = NULL;
	}
	cpufreq_unregister_notifier(&policies, CPUFREQ_POLICY_NOTIFIER);
	for (i = 0; i < SILICON_CLUSTERS; i++)
		remove_cap(&caps[i]);
}

static int plug(void)
{
	int i, error;

	error = cpufreq_register_notifier(&policies, CPUFREQ_POLICY_NOTIFIER);
	if (error)
		return error;
	for (i = 0; i < ARRAY_SIZE(zones); i++) {
		zones[i].zone = add_zone(&zones[i]);
		error = PTR_ERR_OR_ZERO(zones[i].zone);
		if (!error)
			error = thermal_zone_device_enable(zones[i].zone);
		if (error) {
			unplug();
			return error;
		}
	}
	return 0;
}

static int temperature_show(void *data, u64 *value)
{
	*value = ((struct heat_zone *)data)->milli_c;
	return 0;
}

static int temperature_store(void *data, u64 value)
{
	struct heat_zone *zone = data;

	WRITE_ONCE(zone->milli_c, (int)value);
	if (zone->zone)
		thermal_zone_device_update(zone->zone, THERMAL_EVENT_UNSPECIFIED);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE_SIGNED(temperature_file, temperature_show, temperature_store, "%lld\n");

static void knobs(struct dentry *folder)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(zones); i++)
		debugfs_create_file_unsafe(zones[i].name, 0600, folder, &zones[i], &temperature_file);
}

struct silicon_part silicon_thermal = { .name = "thermal", .plug = plug, .unplug = unplug, .knobs = knobs };
