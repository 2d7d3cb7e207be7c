"""Hosts of the RHEL family for make_fixtures.py: NVIDIA servers of both architectures, with and without what a driver needs."""
from make_fixtures import Host


def rocky(version):
    return (f'NAME="Rocky Linux"\nVERSION="{version} (Blue Onyx)"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="{version}"\n'
            f'PLATFORM_ID="platform:el{version.split(".")[0]}"\nPRETTY_NAME="Rocky Linux {version}"\n')


def rhel(version):
    return (f'NAME="Red Hat Enterprise Linux"\nVERSION="{version}"\nID="rhel"\nID_LIKE="fedora"\nVERSION_ID="{version}"\n'
            f'PLATFORM_ID="platform:el{version.split(".")[0]}"\nPRETTY_NAME="Red Hat Enterprise Linux {version}"\n')


def redhats():
    release = "5.14.0-570.12.1.el9_6"
    h100 = Host("rocky9-h100", "x86_64", f"{release}.x86_64", rocky("9.6"), memory_kib=1056000000)
    h100.x86("Intel(R) Xeon(R) Platinum", 8).pci("0000:17:00.0", "10de", "2330", driver="nouveau", numa=0).modules("nouveau", "drm")
    h100.dmi(sys_vendor="Dell Inc.", product_name="PowerEdge XE9680", chassis_type="23").folder("/sys/firmware/efi").secure_boot(False)
    h100.file("/etc/rocky-release", "Rocky Linux release 9.6 (Blue Onyx)\n").file("/etc/redhat-release", "Rocky Linux release 9.6 (Blue Onyx)\n")

    grace = Host("rhel9-gh200-64k", "aarch64", f"{release}.aarch64+64k", rhel("9.6"), memory_kib=502000000, page_size=65536)
    grace.cores(0x41, 0xD4F, 72).sbsa().secure_boot(False).dmi(sys_vendor="Supermicro", product_name="ARS-111GL-NHR", chassis_type="23")
    grace.pci("0009:01:00.0", "10de", "2342", numa=1)
    grace.file("/etc/redhat-release", "Red Hat Enterprise Linux release 9.6 (Plow)\n").folder(f"/lib/modules/{release}.aarch64+64k/build")

    altra = Host("rocky9-altra-l40s", "aarch64", f"{release}.aarch64", rocky("9.6"), memory_kib=263000000)
    altra.cores(0x41, 0xD0C, 80).sbsa().dmi(sys_vendor="GIGABYTE", product_name="G242-P36-00", chassis_type="23")
    altra.pci("000d:01:00.0", "10de", "26b9", driver="nvidia").modules("nvidia", "nvidia_uvm").secure_boot(True)
    altra.nvidia("580.95.05", "aarch64", rows=["0000000D:01:00.0, NVIDIA L40S, 46068 MiB, [N/A], [N/A], 8.9"])
    altra.file("/etc/rocky-release", "Rocky Linux release 9.6 (Blue Onyx)\n").file("/etc/redhat-release", "Rocky Linux release 9.6 (Blue Onyx)\n")
    return [h100, grace, altra]
