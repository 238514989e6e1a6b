// One bulk TCP flow over a lossy path in ns-3: how many packets, and what they cost.
// ns3_tcp SECONDS LOSS BUFFER CONTROL     virtual seconds; probability; bytes of each socket buffer; TcpNewReno, TcpCubic
//
// 1 Gbit/s, 10 ms each way, 1448 bytes a segment, timestamps, window scale and SACK: ns-3's defaults.  Prints JSON:
// packets of both directions, bytes that the sink read, seconds of processor time of the run without its preparation.
#include <ctime>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"

using namespace ns3;

static unsigned long packets;

static void count(Ptr<const Packet>) { packets++; }

static double processor() {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    const double seconds = atof(argv[1]), loss = atof(argv[2]);
    const unsigned buffer = atoi(argv[3]);
    Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1448));
    Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
    Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(buffer));
    Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(buffer));
    Config::SetDefault("ns3::TcpL4Protocol::SocketType", StringValue(std::string("ns3::") + argv[4]));

    NodeContainer nodes;
    nodes.Create(2);
    PointToPointHelper path;
    path.SetDeviceAttribute("DataRate", StringValue("1Gbps"));
    path.SetChannelAttribute("Delay", StringValue("10ms"));
    path.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("100000p"));
    NetDeviceContainer devices = path.Install(nodes);
    InternetStackHelper().Install(nodes);
    Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.0");
    Ipv4InterfaceContainer interfaces = addresses.Assign(devices);

    Ptr<RateErrorModel> errors = CreateObject<RateErrorModel>();
    errors->SetUnit(RateErrorModel::ERROR_UNIT_PACKET);
    errors->SetRate(loss);
    devices.Get(1)->SetAttribute("ReceiveErrorModel", PointerValue(errors));
    for (unsigned i = 0; i < 2; i++) devices.Get(i)->TraceConnectWithoutContext("PhyTxEnd", MakeCallback(&count));

    ApplicationContainer sink =
        PacketSinkHelper("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), 80)).Install(nodes.Get(1));
    BulkSendHelper source("ns3::TcpSocketFactory", InetSocketAddress(interfaces.GetAddress(1), 80));
    source.SetAttribute("SendSize", UintegerValue(1 << 16));
    source.Install(nodes.Get(0));

    Simulator::Stop(Seconds(seconds));
    const double began = processor();
    Simulator::Run();
    const double spent = processor() - began;
    printf("{\"packets\": %lu, \"received\": %lu, \"cpu\": %.6f}\n", packets,
           (unsigned long)DynamicCast<PacketSink>(sink.Get(0))->GetTotalRx(), spent);
    Simulator::Destroy();
}
