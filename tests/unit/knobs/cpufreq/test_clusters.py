"""Which policies are alike."""

from knobs.drivers.cpufreq.clusters import find_clusters
from knobs.drivers.cpufreq.policy import find_policies
from tests.emulated.sysfs.machines.machine import Machine
from tests.emulated.sysfs.machines.processors import ryzen, xeon
from tests.emulated.sysfs.tree import Attribute
from tests.unit.knobs.cpufreq.machines import POLICY, Time, orin, tx2_with_identified_cores


def clusters(machine: Machine):
    time = Time()
    policies = find_policies(machine.files(), time.clock, time.sleep)
    return find_clusters(policies, with_boost=True)


def highest(machine: Machine, *khz: int) -> Machine:
    for policy, highest_khz in enumerate(khz):
        machine.tree.add(
            f"{POLICY}{policy}/cpuinfo_max_freq", Attribute(show=lambda highest_khz=highest_khz: f"{highest_khz}\n")
        )
    return machine


def test_policies_with_one_list_are_one_cluster():
    (cluster,) = clusters(orin())
    assert cluster.name == "cpu.core"
    assert [policy.name for policy in cluster.policies] == ["policy0", "policy4"]
    assert cluster.cpus == (0, 1, 2, 3, 4, 5)


def test_arm_cores_of_another_make_are_another_cluster_although_they_share_a_list():
    assert [cluster.cpus for cluster in clusters(tx2_with_identified_cores())] == [(0, 3, 4, 5), (1, 2)]


def test_policies_are_in_the_order_of_their_numbers():
    (cluster,) = clusters(xeon(cores=12))
    assert [policy.name for policy in cluster.policies] == [f"policy{cpu}" for cpu in range(12)]


def test_favoured_cores_are_no_cluster_of_their_own():
    machine = highest(ryzen(), 5_700_000, 5_700_000, 5_573_000, 5_500_000, 5_450_000, 5_400_000, 5_350_000, 5_300_000)
    (cluster,) = clusters(machine)
    assert cluster.values_khz[-1] == 5_700_000


def test_efficiency_cores_are():
    machine = highest(xeon(), 5_200_000, 5_200_000, 5_400_000, 5_400_000, 3_900_000, 3_900_000, 3_900_000, 3_900_000)
    assert [(cluster.name, cluster.cpus) for cluster in clusters(machine)] == [
        ("cpu.cluster0", (0, 1, 2, 3)),
        ("cpu.cluster1", (4, 5, 6, 7)),
    ]


def test_a_policy_that_is_offline_counts_where_there_is_one_cluster_only():
    machine = orin()
    for cpu in (4, 5):
        machine.cpus.set_online(cpu, False)
    (cluster,) = clusters(machine)
    assert [policy.name for policy in cluster.policies] == ["policy0", "policy4"]
    assert cluster.cpus == (0, 1, 2, 3)


def test_the_base_frequency_can_be_chosen():
    machine = xeon()
    for policy in range(8):
        machine.tree.add(f"{POLICY}{policy}/base_frequency", Attribute(show=lambda: "2450000\n"))
    (cluster,) = clusters(machine)
    assert 2_450_000 in cluster.values_khz
