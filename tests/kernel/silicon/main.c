// SPDX-License-Identifier: GPL-2.0
/* Brings the parts up, and gives each its folder in debugfs. */

#include <linux/module.h>
#include <linux/mutex.h>

#include "silicon.h"

/* In the order in which they come up: who cools must be there before what it cools. */
static struct silicon_part *const parts[] = {
	&silicon_devicetree, &silicon_thermal, &silicon_cpufreq, &silicon_devfreq, &silicon_powercap,
	&silicon_ina3221,    &silicon_hwmon,   &silicon_battery, &silicon_bpmp,    &silicon_memory_cap,
};

static DEFINE_MUTEX(plugging);
static struct dentry *folder;

static int set_plugged(struct silicon_part *part, bool wanted)
{
	int error = 0;

	mutex_lock(&plugging);
	if (wanted && !part->plugged)
		error = part->plug();
	else if (!wanted && part->plugged)
		part->unplug();
	if (!error)
		part->plugged = wanted;
	mutex_unlock(&plugging);
	return error;
}

static int plugged_show(void *data, u64 *value)
{
	*value = ((struct silicon_part *)data)->plugged;
	return 0;
}

static int plugged_store(void *data, u64 value)
{
	return set_plugged(data, value);
}
DEFINE_DEBUGFS_ATTRIBUTE(plugged_file, plugged_show, plugged_store, "%llu\n");

static void add_folder(struct silicon_part *part)
{
	struct dentry *own = debugfs_create_dir(part->name, folder);

	debugfs_create_u32("error", 0600, own, &part->error);
	debugfs_create_file_unsafe("plugged", 0600, own, part, &plugged_file);
	if (part->knobs)
		part->knobs(own);
}

static void take_down(void)
{
	int i;

	debugfs_remove(folder);
	for (i = ARRAY_SIZE(parts) - 1; i >= 0; i--)
		set_plugged(parts[i], false);
	silicon_power_stop();
}

static int __init silicon_init(void)
{
	int i, error;

	error = silicon_power_start();
	if (error)
		return error;
	folder = debugfs_create_dir("silicon", NULL);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		error = set_plugged(parts[i], true);
		if (error) {
			pr_err("silicon: %s does not come up: %d\n", parts[i]->name, error);
			take_down();
			return error;
		}
		add_folder(parts[i]);
	}
	return 0;
}
module_init(silicon_init);

static void __exit silicon_exit(void)
{
	take_down();
}
module_exit(silicon_exit);

MODULE_DESCRIPTION("Silicon that does not exist, for tests");
MODULE_LICENSE("GPL");
