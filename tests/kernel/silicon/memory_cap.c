// SPDX-License-Identifier: GPL-2.0
/* The cap under which nvpmodel keeps a Jetson's memory clock: /sys/kernel/nvpmodel_clk_cap/emc, in Hz, 0 for none. */

#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "silicon.h"

static struct kobject *folder;
static u64 cap_hz;

static ssize_t emc_show(struct kobject *kobject, struct kobj_attribute *attribute, char *buffer)
{
	int error = silicon_verdict(&silicon_memory_cap);

	return error ? error : sysfs_emit(buffer, "%llu\n", cap_hz);
}

static ssize_t emc_store(struct kobject *kobject, struct kobj_attribute *attribute, const char *buffer, size_t size)
{
	int error = silicon_verdict(&silicon_memory_cap);

	if (!error)
		error = kstrtou64(buffer, 10, &cap_hz);
	if (error)
		return error;
	silicon_cap_memory(cap_hz);
	return size;
}

static struct kobj_attribute emc = __ATTR_RW(emc);

static int plug(void)
{
	int error;

	folder = kobject_create_and_add("nvpmodel_clk_cap", kernel_kobj);
	if (!folder)
		return -ENOMEM;
	error = sysfs_create_file(folder, &emc.attr);
	if (error)
		kobject_put(folder);
	return error;
}

static void unplug(void)
{
	kobject_put(folder);
	cap_hz = 0;
	silicon_cap_memory(0);
}

struct silicon_part silicon_memory_cap = { .name = "memory_cap", .plug = plug, .unplug = unplug };
