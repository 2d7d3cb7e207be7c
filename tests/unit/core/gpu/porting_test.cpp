#include "core/gpu/porting.hpp"

#include <gtest/gtest.h>

#include <set>

namespace gpustack::gpu {
namespace {

std::vector<PortingFinding> found_in(const std::string& path, const std::string& text) {
  auto found = scan_text(path, text);
  EXPECT_TRUE(found.has_value()) << (found ? "" : found.error().message());
  return found ? *found : std::vector<PortingFinding>();
}

/// The ids found, in their order, with blanks between.
std::string ids(const std::string& path, const std::string& text) {
  std::string out;
  for (const PortingFinding& one : found_in(path, text)) out += (out.empty() ? "" : " ") + one.rule;
  return out;
}

struct RuleCase {
  const char* name;
  const char* file;
  const char* text;
  const char* ids;
};

class Rules : public testing::TestWithParam<RuleCase> {};

TEST_P(Rules, FindTheLineAndNothingElse) {
  EXPECT_EQ(ids(GetParam().file, GetParam().text), GetParam().ids);
}

INSTANTIATE_TEST_SUITE_P(
    Lines,
    Rules,
    testing::Values(
        RuleCase{"OldNumpy", "requirements.txt", "numpy==1.18.5", "PS2"},
        RuleCase{"NewNumpy", "requirements.txt", "numpy==1.19.0", ""},
        RuleCase{"NumpyTwo", "requirements.txt", "numpy==2.1", ""},
        RuleCase{
            "OldNumpyInDockerfile", "Dockerfile", "RUN pip install numpy==1.9 && pip check", "PS2"},
        RuleCase{"Tvm", "constraints.txt", "apache-tvm==0.9.0", "PS3"},
        RuleCase{"Kafka", "requirements-dev.txt", "confluent_kafka==2.0.2", "PS4"},
        RuleCase{"NewKafka", "requirements.txt", "confluent-kafka==2.5.0", ""},
        RuleCase{"TensorflowGpu", "requirements.txt", "tensorflow-gpu==2.10", "PS7"},
        RuleCase{"Tensorflow", "requirements.txt", "tensorflow==2.15", "PS7"},
        RuleCase{"TensorflowDatasets", "requirements.txt", "tensorflow-datasets==4", ""},
        RuleCase{"OldIndex",
                 "install.sh",
                 "pip install torch --index-url https://download.pytorch.org/whl/cu118",
                 "PS13"},
        RuleCase{"NewIndex",
                 "install.sh",
                 "pip install torch --index-url https://download.pytorch.org/whl/cu130",
                 ""},
        RuleCase{"Platform", "Dockerfile.prod", "FROM --platform=linux/amd64 debian:12", "PS12"},
        RuleCase{"BuildPlatform", "Dockerfile", "FROM --platform=$BUILDPLATFORM debian:12", ""},
        RuleCase{
            "Digest",
            "Dockerfile",
            "FROM debian@sha256:0123456789012345678901234567890123456789012345678901234567890123",
            "PS12"},
        RuleCase{"OldCuda", "Dockerfile", "FROM nvidia/cuda:11.8.0-base", "PS12"},
        RuleCase{"NewCuda", "Dockerfile", "FROM nvidia/cuda:13.0.1-base-ubuntu24.04", ""},
        RuleCase{"ComposeImage", "compose.yaml", "    image: amd64/redis:7", "PS12"},
        RuleCase{"Tags", "Makefile", "\tgo build -tags=netgo,amd64 ./...", "PS5"},
        RuleCase{"Goarch", "build.sh", "GOOS=linux GOARCH=amd64 go build", "PS5"},
        RuleCase{"GoarchOfTarget", "Dockerfile", "RUN GOARCH=$TARGETARCH go build", ""},
        RuleCase{"Haswell", "CMakeLists.txt", "add_compile_options(-march=haswell)", "PS5"},
        RuleCase{"Avx", "flags.cmake", "set(FLAGS \"-msse4.2\")", "PS5"},
        RuleCase{
            "FlagOfX86Alone", "CMakeLists.txt", "if(P MATCHES \"(aarch64)\") set(F \"-mavx\")", ""},
        RuleCase{"Native", "Makefile", "CFLAGS += -march=native", "PS5"},
        RuleCase{"NoAtomics", "Makefile", "CFLAGS += -march=armv8-a", "PS8"},
        RuleCase{"WithAtomics", "Makefile", "CFLAGS += -march=armv8-a -moutline-atomics", ""},
        RuleCase{"NewerArm", "Makefile", "CFLAGS += -march=armv8-a+lse", ""},
        RuleCase{"Emsdk", "build.sh", "./emsdk install latest", "PS9"},
        RuleCase{"OldGo", "go.mod", "go 1.17", "PS10"},
        RuleCase{"NewGo", "go.mod", "go 1.21.4", ""},
        RuleCase{"NativeModule", "package.json", "  \"@nut-tree/nut-js\": \"^3.1.0\",", "PS11"},
        RuleCase{"SharpHasBinaries", "package.json", "  \"sharp\": \"^0.33\",", ""},
        RuleCase{"Jemalloc", "Dockerfile", "RUN cd jemalloc-5.3.0 && ./configure && make", "PS14"},
        RuleCase{
            "JemallocOfTheDistribution", "Dockerfile", "RUN apt-get install -y libjemalloc2", ""},
        RuleCase{"Download", "get.sh", "wget https://x.org/tool_1.0_amd64.deb", "PS6"},
        RuleCase{"DownloadByUname",
                 "get.sh",
                 "wget https://x.org/tool-$(uname -m).tar.gz # not amd64.tar.gz",
                 ""},
        RuleCase{"Case", "get.sh", "  x86_64) file=tool-x86_64.tar.gz ;;", ""},
        RuleCase{"Comment", "get.sh", "# wget https://x.org/tool_1.0_amd64.deb", ""},
        RuleCase{"Workflow",
                 ".github/workflows/ci.yml",
                 "      - run: curl -LO https://x.org/tool-linux-x64.tar.gz",
                 "PS6"},
        RuleCase{"OtherYaml", "config.yml", "url: https://x.org/tool-linux-x64.tar.gz", ""}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(PortingRules, HaveFixesAndCompile) {
  for (const PortingRule& rule : porting_rules()) {
    EXPECT_FALSE(rule.message.empty()) << rule.id;
    EXPECT_FALSE(rule.fix.empty()) << rule.id;
    EXPECT_NE(rule.kinds, FileKind::none) << rule.id;
  }
  EXPECT_TRUE(scan_text("Dockerfile", "").has_value());
}

TEST(PortingScan, CountsColumnsInCodePoints) {
  const auto found = found_in("get.sh", "echo 'größer'; curl -LO https://x.org/t-x86_64.zip\n");

  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].line, 1U);
  EXPECT_EQ(found[0].column, 25U);
  EXPECT_EQ(found[0].found, "https://x.org/t-x86_64.zip");
}

TEST(PortingScan, FindsEveryPlaceOfALineOnce) {
  EXPECT_EQ(ids("Makefile", "CFLAGS = -mavx2 -mfma -march=native"), "PS5 PS5 PS5");
  // The platform and the tag tell of one thing; the digest of another.
  EXPECT_EQ(ids("Dockerfile", "RUN curl -LO https://x.org/linux-amd64/t_linux_amd64.tar.gz"),
            "PS6");
}

TEST(PortingScan, TakesIntrinsicsBehindAQuestionForFine) {
  EXPECT_EQ(ids("a.cpp", "#include <immintrin.h>\n"), "PS5");
  EXPECT_EQ(ids("a.cpp", "#ifdef __x86_64__\n#include <immintrin.h>\n#endif\n"), "");
}

TEST(PortingScan, AsksForAnImportAfterPip) {
  EXPECT_EQ(ids("Dockerfile", "RUN pip install flask\n"), "PS16");
  EXPECT_EQ(ids("Dockerfile", "RUN pip install flask\nRUN python3 -c 'import flask'\n"), "");
  EXPECT_EQ(ids("Dockerfile", "# RUN pip install flask\n"), "");
}

TEST(PortingNames, MissTheOtherArchitecturesAssembly) {
  EXPECT_EQ(scan_name("a/sum_amd64.s", {"sum_amd64.s", "sum.go"}).size(), 1U);
  EXPECT_TRUE(scan_name("a/sum_amd64.s", {"sum_amd64.s", "sum_arm64.s"}).empty());
  EXPECT_TRUE(scan_name("a/sum_amd64.s", {"sum_amd64.s", "sum_generic.go"}).empty());
  EXPECT_TRUE(scan_name("a/sum_arm64.s", {}).empty());
}

TEST(FileKinds, AreToldByNames) {
  EXPECT_EQ(kind_of_file("a/Dockerfile.arm64"), FileKind::dockerfile);
  EXPECT_EQ(kind_of_file("Containerfile"), FileKind::dockerfile);
  EXPECT_EQ(kind_of_file("requirements-dev.txt"), FileKind::requirements);
  EXPECT_EQ(kind_of_file("docker-compose.override.yml"), FileKind::compose);
  EXPECT_EQ(kind_of_file("notes.txt"), FileKind::none);
}

}  // namespace
}  // namespace gpustack::gpu
