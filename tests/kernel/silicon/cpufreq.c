// SPDX-License-Identifier: GPL-2.0
/*
 * CPU clocks, as one of several boards:
 *
 * orin-nano  clusters of two CPUs, the table of a Jetson Orin Nano Super
 * desktop    a policy of its own for each CPU, and a boost clock above the table
 *
 * Writing a name to debugfs' cpufreq/board while the part is unplugged chooses
 * the board that is there when it is plugged in again.
 */

#include <linux/cpufreq.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "silicon.h"

#define MOST_CLOCKS 32

/**
 * struct board - what CPUs there are
 * @name:         as written to debugfs
 * @driver:       what scaling_driver says
 * @cluster:      how many CPUs share a clock
 * @first_khz:    the lowest clock
 * @step_khz:     the distance between clocks
 * @count:        how many clocks there are, the boost clock included
 * @has_boost:    whether the highest clock is a boost clock
 * @latency_ns:   how long a change takes
 * @top_uw:       what a CPU draws at the highest clock
 */
struct board {
	const char *name;
	const char *driver;
	unsigned int cluster;
	unsigned int first_khz;
	unsigned int step_khz;
	unsigned int count;
	bool has_boost;
	unsigned int latency_ns;
	u32 top_uw;
};

static const struct board boards[] = {
	{ "orin-nano", "tegra194", 2, 115200, 76800, 22, false, 300 * NSEC_PER_USEC, 1100000 },
	{ "desktop", "acpi-cpufreq", 1, 800000, 400000, 10, true, 10 * NSEC_PER_USEC, 9000000 },
};

static const struct board *board = &boards[0];
static struct cpufreq_frequency_table clocks[MOST_CLOCKS + 1];
static struct cpumask clusters[SILICON_CLUSTERS];
static unsigned int current_khz[SILICON_CLUSTERS];
static struct cpufreq_driver driver;

static void fill_clocks(void)
{
	unsigned int i;

	memset(clocks, 0, sizeof(clocks));
	for (i = 0; i < board->count; i++)
		clocks[i].frequency = board->first_khz + i * board->step_khz;
	if (board->has_boost)
		clocks[board->count - 1].flags = CPUFREQ_BOOST_FREQ;
	clocks[board->count].frequency = CPUFREQ_TABLE_END;
}

static unsigned int first_cpu(unsigned int cpu)
{
	return cpu - cpu % board->cluster;
}

static int silicon_init_policy(struct cpufreq_policy *policy)
{
	unsigned int cpu, first = first_cpu(policy->cpu);
	unsigned int top = board->first_khz + (board->count - 1) * board->step_khz;

	if (first >= SILICON_CLUSTERS)
		return -ENODEV;
	cpumask_clear(&clusters[first]);
	for (cpu = first; cpu < first + board->cluster; cpu++)
		if (cpu_possible(cpu))
			cpumask_set_cpu(cpu, &clusters[first]);
	cpumask_copy(policy->cpus, &clusters[first]);
	policy->freq_table = clocks;
	policy->cpuinfo.transition_latency = board->latency_ns;
	silicon_power_describe(first, top, board->top_uw, &clusters[first]);
	if (!current_khz[first])
		current_khz[first] = board->first_khz;
	silicon_power_set_clock(first, current_khz[first]);
	return board->has_boost ? cpufreq_enable_boost_support() : 0;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
static void silicon_exit_policy(struct cpufreq_policy *policy)
{
	silicon_power_set_clock(first_cpu(policy->cpu), 0);
}
#else
static int silicon_exit_policy(struct cpufreq_policy *policy)
{
	silicon_power_set_clock(first_cpu(policy->cpu), 0);
	return 0;
}
#endif

static int silicon_target_index(struct cpufreq_policy *policy, unsigned int index)
{
	unsigned int first = first_cpu(policy->cpu);
	int error = silicon_verdict(&silicon_cpufreq);

	if (error)
		return error;
	current_khz[first] = clocks[index].frequency;
	silicon_power_set_clock(first, clocks[index].frequency);
	return 0;
}

/* 0 stands for an error: struct cpufreq_driver says so. */
static unsigned int silicon_get(unsigned int cpu)
{
	return silicon_verdict(&silicon_cpufreq) ? 0 : current_khz[first_cpu(cpu)];
}

static struct freq_attr *attributes[] = {
	&cpufreq_freq_attr_scaling_available_freqs,
	NULL, /* for the boost clocks */
	NULL,
};

static int plug(void)
{
	memset(current_khz, 0, sizeof(current_khz));
	fill_clocks();
	attributes[1] = board->has_boost ? &cpufreq_freq_attr_scaling_boost_freqs : NULL;
	driver = (struct cpufreq_driver){
		.flags = CPUFREQ_NEED_INITIAL_FREQ_CHECK,
		.init = silicon_init_policy,
		.exit = silicon_exit_policy,
		.verify = cpufreq_generic_frequency_table_verify,
		.target_index = silicon_target_index,
		.get = silicon_get,
		.attr = attributes,
	};
	strscpy(driver.name, board->driver, sizeof(driver.name));
	return cpufreq_register_driver(&driver);
}

static void unplug(void)
{
	cpufreq_unregister_driver(&driver);
}

static ssize_t board_read(struct file *file, char __user *buffer, size_t size, loff_t *position)
{
	char text[32];
	int length = scnprintf(text, sizeof(text), "%s\n", board->name);

	return simple_read_from_buffer(buffer, size, position, text, length);
}

static ssize_t board_write(struct file *file, const char __user *buffer, size_t size, loff_t *position)
{
	char text[32] = "";
	int i;

	if (silicon_cpufreq.plugged)
		return -EBUSY;
	if (size >= sizeof(text) || copy_from_user(text, buffer, size))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(boards); i++) {
		if (sysfs_streq(text, boards[i].name)) {
			board = &boards[i];
			return size;
		}
	}
	return -EINVAL;
}

static const struct file_operations board_file = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = board_read,
	.write = board_write,
};

static void knobs(struct dentry *folder)
{
	debugfs_create_file("board", 0600, folder, NULL, &board_file);
}

struct silicon_part silicon_cpufreq = { .name = "cpufreq", .plug = plug, .unplug = unplug, .knobs = knobs };
