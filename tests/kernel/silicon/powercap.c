// SPDX-License-Identifier: GPL-2.0
/*
 * Energy counters of two CPU packages, as the intel-rapl driver shows them:
 * package-0 with its cores inside, and package-1. The counters wrap at the
 * usual 262 kJ; debugfs' powercap/wraps_in_uj sets how soon.
 */

#include <linux/math64.h>
#include <linux/powercap.h>

#include "silicon.h"

#define RANGE_UJ	262143328850ULL
#define WINDOW_US	27983872ULL
#define IDLE_PACKAGE_UW	12000000U
#define DESIGN_POWER_UW	65000000ULL

/**
 * struct power_zone - a power zone
 * @name:       as in the file name
 * @parent:     the index of the zone around it, or -1
 * @limit_uw:   the power limit, which nothing heeds
 * @zone:       what the core knows
 */
struct power_zone {
	const char *name;
	int parent;
	u64 limit_uw;
	struct powercap_zone *zone;
};

enum { PACKAGE_0, CORE, PACKAGE_1, ZONES };

static struct power_zone zones[ZONES] = {
	[PACKAGE_0] = { "package-0", -1, DESIGN_POWER_UW },
	[CORE] = { "core", PACKAGE_0, DESIGN_POWER_UW },
	[PACKAGE_1] = { "package-1", -1, DESIGN_POWER_UW },
};

static struct powercap_control_type *rapl;
static u64 offset_uj;

/* The cores are package-0 less what the memory controller draws; package-1 idles. */
static u64 used_uj(const struct power_zone *zone)
{
	switch (zone - zones) {
	case PACKAGE_0:
		return silicon_energy_uj(SILICON_CPUS | BIT(SILICON_MEMORY));
	case CORE:
		return silicon_energy_uj(SILICON_CPUS);
	default:
		return div_u64(ktime_to_us(ktime_get()) * IDLE_PACKAGE_UW, USEC_PER_SEC);
	}
}

static u64 wrapped(u64 uj)
{
	u64 remainder;

	div64_u64_rem(uj, RANGE_UJ, &remainder);
	return remainder;
}

static int get_energy(struct powercap_zone *zone, u64 *uj)
{
	*uj = wrapped(used_uj(powercap_get_zone_data(zone)) + READ_ONCE(offset_uj));
	return silicon_verdict(&silicon_powercap);
}

static int get_max_energy(struct powercap_zone *zone, u64 *uj)
{
	*uj = RANGE_UJ;
	return 0;
}

static const struct powercap_zone_ops zone_ops = {
	.get_energy_uj = get_energy,
	.get_max_energy_range_uj = get_max_energy,
};

static int set_limit(struct powercap_zone *zone, int constraint, u64 uw)
{
	((struct power_zone *)powercap_get_zone_data(zone))->limit_uw = uw;
	return silicon_verdict(&silicon_powercap);
}

static int get_limit(struct powercap_zone *zone, int constraint, u64 *uw)
{
	*uw = ((struct power_zone *)powercap_get_zone_data(zone))->limit_uw;
	return silicon_verdict(&silicon_powercap);
}

static int set_window(struct powercap_zone *zone, int constraint, u64 us)
{
	return us == WINDOW_US ? 0 : -EINVAL;
}

static int get_window(struct powercap_zone *zone, int constraint, u64 *us)
{
	*us = WINDOW_US;
	return 0;
}

static int get_max_power(struct powercap_zone *zone, int constraint, u64 *uw)
{
	*uw = DESIGN_POWER_UW;
	return 0;
}

static const char *get_name(struct powercap_zone *zone, int constraint)
{
	return "long_term";
}

static const struct powercap_zone_constraint_ops constraint_ops = {
	.set_power_limit_uw = set_limit,
	.get_power_limit_uw = get_limit,
	.set_time_window_us = set_window,
	.get_time_window_us = get_window,
	.get_max_power_uw = get_max_power,
	.get_name = get_name,
};

static int add_zone(struct power_zone *zone)
{
	struct powercap_zone *parent = zone->parent < 0 ? NULL : zones[zone->parent].zone;

	zone->zone = powercap_register_zone(NULL, rapl, zone->name, parent, &zone_ops, 1, &constraint_ops);
	if (IS_ERR(zone->zone))
		return PTR_ERR(zone->zone);
	powercap_set_zone_data(zone->zone, zone);
	return 0;
}

static void unplug(void)
{
	int i;

	for (i = ZONES - 1; i >= 0; i--) {
		if (!IS_ERR_OR_NULL(zones[i].zone))
			powercap_unregister_zone(rapl, zones[i].zone);
		zones[i].zone = NULL;
	}
	powercap_unregister_control_type(rapl);
}

static int plug(void)
{
	int i, error;

	rapl = powercap_register_control_type(NULL, "intel-rapl", NULL);
	if (IS_ERR(rapl))
		return PTR_ERR(rapl);
	for (i = 0; i < ZONES; i++) {
		error = add_zone(&zones[i]);
		if (error) {
			unplug();
			return error;
		}
	}
	return 0;
}

static int wraps_show(void *data, u64 *value)
{
	*value = RANGE_UJ - wrapped(used_uj(&zones[PACKAGE_0]) + offset_uj);
	return 0;
}

static int wraps_store(void *data, u64 value)
{
	WRITE_ONCE(offset_uj, 2 * RANGE_UJ - wrapped(used_uj(&zones[PACKAGE_0])) - wrapped(value));
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(wraps_file, wraps_show, wraps_store, "%llu\n");

static void knobs(struct dentry *folder)
{
	debugfs_create_file_unsafe("wraps_in_uj", 0600, folder, NULL, &wraps_file);
}

struct silicon_part silicon_powercap = { .name = "powercap", .plug = plug, .unplug = unplug, .knobs = knobs };
