// SPDX-License-Identifier: GPL-2.0
/* The clock of an integrated GPU: platform device 17000000.gpu, 306 to 1020 MHz in steps of 102 MHz. */

#include <linux/devfreq.h>
#include <linux/devfreq_cooling.h>
#include <linux/platform_device.h>
#include <linux/pm_opp.h>

#include "silicon.h"

#define LOWEST_HZ	306000000UL
#define STEP_HZ		102000000UL
#define HIGHEST_HZ	1020000000UL
#define MICROVOLTS	800000

static struct platform_device *gpu;
static struct devfreq *devfreq;
static struct thermal_cooling_device *cooling;
static unsigned long current_hz;
static u32 busy_percent = 100;

static void run_at(unsigned long hz)
{
	current_hz = hz;
	silicon_power_set_clock(SILICON_GPU, hz / 1000);
}

static int gpu_target(struct device *device, unsigned long *hz, u32 flags)
{
	int error = silicon_verdict(&silicon_devfreq);
	struct dev_pm_opp *chosen;

	if (error)
		return error;
	chosen = devfreq_recommended_opp(device, hz, flags);
	if (IS_ERR(chosen))
		return PTR_ERR(chosen);
	run_at(dev_pm_opp_get_freq(chosen));
	dev_pm_opp_put(chosen);
	*hz = current_hz;
	return 0;
}

static int gpu_get_cur_freq(struct device *device, unsigned long *hz)
{
	*hz = current_hz;
	return silicon_verdict(&silicon_devfreq);
}

static int gpu_get_dev_status(struct device *device, struct devfreq_dev_status *status)
{
	status->busy_time = READ_ONCE(busy_percent);
	status->total_time = 100;
	status->current_frequency = current_hz;
	return silicon_verdict(&silicon_devfreq);
}

static struct devfreq_dev_profile profile = {
	.initial_freq = LOWEST_HZ,
	.polling_ms = 50,
	.target = gpu_target,
	.get_cur_freq = gpu_get_cur_freq,
	.get_dev_status = gpu_get_dev_status,
};

static int add_devfreq(void)
{
	unsigned long hz;
	int error;

	for (hz = LOWEST_HZ; hz <= HIGHEST_HZ; hz += STEP_HZ) {
		error = dev_pm_opp_add(&gpu->dev, hz, MICROVOLTS);
		if (error)
			return error;
	}
	devfreq = devfreq_add_device(&gpu->dev, &profile, DEVFREQ_GOV_SIMPLE_ONDEMAND, NULL);
	if (IS_ERR(devfreq))
		return PTR_ERR(devfreq);
	cooling = devfreq_cooling_register(devfreq);
	return PTR_ERR_OR_ZERO(cooling);
}

static int plug(void)
{
	int error;

	gpu = platform_device_register_simple("17000000.gpu", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(gpu))
		return PTR_ERR(gpu);
	silicon_power_describe(SILICON_GPU, HIGHEST_HZ / 1000, 9000000, NULL);
	run_at(LOWEST_HZ);
	error = silicon_link_gpu_node(&gpu->dev.kobj);
	if (!error)
		error = add_devfreq();
	if (error)
		platform_device_unregister(gpu);
	return error;
}

static void unplug(void)
{
	devfreq_cooling_unregister(cooling);
	devfreq_remove_device(devfreq);
	dev_pm_opp_remove_all_dynamic(&gpu->dev);
	platform_device_unregister(gpu);
	run_at(0);
}

static void knobs(struct dentry *folder)
{
	debugfs_create_u32("busy_percent", 0600, folder, &busy_percent);
}

struct silicon_part silicon_devfreq = { .name = "devfreq", .plug = plug, .unplug = unplug, .knobs = knobs };
