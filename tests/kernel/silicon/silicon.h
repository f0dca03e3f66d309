/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Silicon that does not exist, behind kernel cores that do.
 *
 * Each part registers with the unmodified core of its subsystem (cpufreq,
 * devfreq, powercap, hwmon, ...), so that every file, mode, rounding and error
 * that a program meets is the kernel's own. Only the hardware below is made up.
 *
 * /sys/kernel/debug/silicon/<part>/ is where a test plays the hardware:
 *   error    an errno that the part answers with from now on; 0 for none
 *   plugged  whether the part is there
 * and what the part adds.
 */
#ifndef SILICON_H
#define SILICON_H

#include <linux/debugfs.h>
#include <linux/types.h>
#include <linux/version.h>

struct cpumask;

/**
 * struct silicon_part - one device
 * @name:    its folder in debugfs
 * @plug:    brings it up; returns 0 or a negative errno
 * @unplug:  takes it away again
 * @knobs:   adds files of its own to its folder; may be NULL
 * @error:   the errno that the hardware answers with, 0 while it is well
 * @plugged: whether it is up
 */
struct silicon_part {
	const char *name;
	int (*plug)(void);
	void (*unplug)(void);
	void (*knobs)(struct dentry *folder);
	u32 error;
	bool plugged;
};

extern struct silicon_part silicon_devicetree;
extern struct silicon_part silicon_cpufreq;
extern struct silicon_part silicon_devfreq;
extern struct silicon_part silicon_thermal;
extern struct silicon_part silicon_powercap;
extern struct silicon_part silicon_ina3221;
extern struct silicon_part silicon_hwmon;
extern struct silicon_part silicon_battery;
extern struct silicon_part silicon_bpmp;
extern struct silicon_part silicon_memory_cap;

struct kobject;

/* Gives a device its link to the GPU's node of the device tree, if there is one. */
int silicon_link_gpu_node(struct kobject *device);

/* Lets the memory run at no more than this; 0 for no cap. */
void silicon_cap_memory(u64 hz);

/* What the hardware says to an access: 0, or the negative errno that a test asks for. */
static inline int silicon_verdict(const struct silicon_part *part)
{
	return -(int)READ_ONCE(part->error);
}

/* Who draws power. A cluster is named by its first CPU. */
#define SILICON_CLUSTERS 8

enum silicon_consumer {
	SILICON_CLUSTER_0,
	SILICON_GPU = SILICON_CLUSTERS,
	SILICON_MEMORY,
	SILICON_BOARD,
	SILICON_CONSUMERS,
};

#define SILICON_CPUS	GENMASK(SILICON_CLUSTERS - 1, 0)
#define SILICON_ALL	GENMASK(SILICON_CONSUMERS - 1, 0)

int silicon_power_start(void);
void silicon_power_stop(void);
void silicon_power_describe(enum silicon_consumer consumer, u32 top_khz, u32 top_uw, const struct cpumask *cpus);
void silicon_power_set_clock(enum silicon_consumer consumer, u32 khz);
u64 silicon_power_uw(unsigned long consumers);
u64 silicon_energy_uj(unsigned long consumers);

#endif
