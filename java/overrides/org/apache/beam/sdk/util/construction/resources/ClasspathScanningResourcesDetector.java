package org.apache.beam.sdk.util.construction.resources;

import io.github.classgraph.ClassGraph;
import io.github.classgraph.ScanResult;
import java.io.File;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Replaces Beam's class of this name, which finds the jars that a job is shipped with: all of the
 * class path.
 *
 * <p>With the system property {@code gogobe.jars.on.cluster} a job is shipped without jars, because
 * JobManager and TaskManagers were started with the same class path. Otherwise each submission
 * uploads some 190 jars, and each restart of a job loads all classes anew.
 */
public class ClasspathScanningResourcesDetector implements PipelineResourcesDetector {

  private static final String ON_CLUSTER = "gogobe.jars.on.cluster";

  private final transient ClassGraph classGraph;

  public ClasspathScanningResourcesDetector(ClassGraph classGraph) {
    this.classGraph = classGraph;
  }

  @Override
  public List<String> detect(ClassLoader classLoader) {
    if (Boolean.getBoolean(ON_CLUSTER)) {
      return List.of();
    }
    ClassGraph scanned = classGraph.disableNestedJarScanning().addClassLoader(classLoader);
    try (ScanResult result = scanned.scan(1)) {
      return result.getClasspathFiles().stream()
          .map(File::getAbsolutePath)
          .collect(Collectors.toList());
    }
  }
}
