#include "modules/builtin/support/package_classes.hpp"

#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

struct Named {
  const char* package;
  ChangeClass is;
};

class PackageClass : public testing::TestWithParam<Named> {};

TEST_P(PackageClass, FollowsFromTheName) {
  EXPECT_EQ(classify_package(GetParam().package), GetParam().is);
}

INSTANTIATE_TEST_SUITE_P(
    Names,
    PackageClass,
    testing::Values(Named{"linux-image-6.1.0-30-arm64", ChangeClass::kernel},
                    Named{"linux-headers-generic", ChangeClass::kernel},
                    Named{"linux-modules-6.8.0-55-generic", ChangeClass::kernel},
                    Named{"linux-modules-nvidia-580-server-open-generic", ChangeClass::driver},
                    Named{"linux-nvidia-64k-hwe-24.04", ChangeClass::kernel},
                    Named{"linux-libc-dev", ChangeClass::none},
                    Named{"nvidia-driver-580-open", ChangeClass::driver},
                    Named{"nvidia-open-580", ChangeClass::driver},
                    Named{"nvidia-dkms-580-server-open", ChangeClass::driver},
                    Named{"nvidia-headless-580-server-open", ChangeClass::driver},
                    Named{"libnvidia-compute-580-server", ChangeClass::driver},
                    Named{"libnvidia-container1", ChangeClass::none},
                    Named{"nvidia-container-toolkit", ChangeClass::none},
                    Named{"cuda-drivers-580", ChangeClass::driver},
                    Named{"cuda", ChangeClass::driver},
                    Named{"cuda-toolkit-13-0", ChangeClass::none},
                    Named{"zfs-dkms", ChangeClass::driver},
                    Named{"dkms", ChangeClass::none},
                    Named{"linux-firmware", ChangeClass::firmware},
                    Named{"firmware-misc-nonfree", ChangeClass::firmware},
                    Named{"amd64-microcode", ChangeClass::firmware},
                    Named{"nvidia-firmware-580-server-580.95.05", ChangeClass::firmware},
                    Named{"nvidia-l4t-kernel", ChangeClass::bsp},
                    Named{"nvidia-l4t-core", ChangeClass::bsp},
                    Named{"armbian-bsp-cli-orangepi5-vendor", ChangeClass::bsp},
                    Named{"linux-dtb-vendor-rk35xx", ChangeClass::bsp},
                    Named{"nvidia-jetpack", ChangeClass::none},
                    Named{"kernel-core", ChangeClass::kernel},
                    Named{"kernel-tools", ChangeClass::none},
                    Named{"kmod-nvidia-open-dkms", ChangeClass::driver},
                    Named{"bash", ChangeClass::none}));

PackageChange change(PackageChange::Action action,
                     const std::string& name,
                     const std::string& version) {
  PackageChange out;
  out.action = action;
  out.name = name;
  out.new_version = version;
  out.line = name;
  return out;
}

TEST(PackageChanges, NeedARebootForImagesButNotForHeaders) {
  const std::vector<PackageChange> headers{
      change(PackageChange::Action::install, "linux-headers-generic", "1")};
  const std::vector<PackageChange> image{
      change(PackageChange::Action::install, "linux-image-generic", "1")};

  EXPECT_FALSE(has(classes_of(headers), ChangeClass::reboot));
  EXPECT_TRUE(has(classes_of(image), ChangeClass::reboot));
  EXPECT_TRUE(has(classes_of(image), ChangeClass::kernel));
}

TEST(JetsonGuard, NamesWhatTouchesTheBsp) {
  using enum PackageChange::Action;
  const std::vector<PackageChange> changes{
      change(upgrade, "nvidia-l4t-kernel", "36.5"),
      change(install, "nvidia-l4t-graphics-demos", "36.4"),
      change(install, "nvidia-l4t-vulkan-sc-dev", "36.3"),
      change(install, "libnvidia-container1", "1.18"),
      change(install, "nvidia-driver-580-open", "580.1"),
      change(remove, "linux-image-6.1", ""),
      change(install, "libcudnn9-cuda-12", "9.1"),
  };

  const auto hits = jetson_hits(changes, "36.4");

  EXPECT_EQ(hits,
            (std::vector<std::string>{
                "nvidia-l4t-kernel", "nvidia-l4t-vulkan-sc-dev", "nvidia-driver-580-open"}));
}

TEST(JetsonGuard, KnowsAJetsonByItsReleaseFile) {
  test::MemorySystem jetson;
  test::MemorySystem server;
  jetson.file("/etc/nv_tegra_release", "# R36 (release), REVISION: 4.0\n");

  EXPECT_TRUE(is_jetson(jetson));
  EXPECT_FALSE(is_jetson(server));
}

}  // namespace
}  // namespace gpustack::modules
