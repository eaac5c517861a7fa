package io.gogobe;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import org.apache.beam.runners.fnexecution.artifact.ArtifactRetrievalService;
import org.apache.beam.sdk.expansion.service.ExpansionService;
import org.apache.beam.sdk.expansion.service.ExpansionServiceOptions;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.vendor.grpc.v1p69p0.io.grpc.Server;
import org.apache.beam.vendor.grpc.v1p69p0.io.grpc.netty.NettyServerBuilder;

/** Beam's expansion service, with the arguments of its main class, on the loopback interface only. */
public final class LoopbackExpansionService {

  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(arguments[0]);
    PipelineOptionsFactory.register(ExpansionServiceOptions.class);
    PipelineOptions options =
        PipelineOptionsFactory.fromArgs(Arrays.copyOfRange(arguments, 1, arguments.length)).create();
    Server server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
            .addService(new ExpansionService(options, "localhost:" + port))
            .addService(new ArtifactRetrievalService())
            .build()
            .start();
    server.awaitTermination();
  }

  private LoopbackExpansionService() {}
}
