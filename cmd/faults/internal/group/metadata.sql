-- What MySQL Router reads of a group: who is of it. MySQL Shell makes these tables and more, and has no Debian package; here is as much as
-- version 2.2 of them must have.
CREATE USER {user}@'%' IDENTIFIED BY '{user}';
CREATE DATABASE mysql_innodb_cluster_metadata;
GRANT SELECT, INSERT, UPDATE ON mysql_innodb_cluster_metadata.* TO {user}@'%';
GRANT SELECT ON performance_schema.* TO {user}@'%';
USE mysql_innodb_cluster_metadata;
CREATE TABLE schema_version (major INT PRIMARY KEY, minor INT, patch INT);
INSERT INTO schema_version VALUES (2, 2, 0);
CREATE TABLE v2_gr_clusters (cluster_id CHAR(36) PRIMARY KEY, cluster_type VARCHAR(8), primary_mode VARCHAR(8), cluster_name VARCHAR(64),
  group_name CHAR(36), attributes JSON, options JSON, router_options JSON, clusterset_id CHAR(36));
INSERT INTO v2_gr_clusters VALUES ('{group}', 'gr', 'pm', '{cluster}', '{group}', '{}', '{}', '{}', NULL);
CREATE SQL SECURITY INVOKER VIEW v2_clusters AS SELECT * FROM v2_gr_clusters;
CREATE TABLE v2_instances (instance_id INT PRIMARY KEY, cluster_id CHAR(36), label VARCHAR(64), mysql_server_uuid CHAR(36), address VARCHAR(64),
  endpoint VARCHAR(64), xendpoint VARCHAR(64), attributes JSON);
CREATE SQL SECURITY INVOKER VIEW v2_this_instance AS SELECT i.cluster_id, i.instance_id, c.cluster_name, c.cluster_type
  FROM v2_instances i JOIN v2_gr_clusters c USING (cluster_id)
  WHERE i.mysql_server_uuid = (SELECT variable_value FROM performance_schema.global_variables WHERE variable_name = 'server_uuid');
CREATE TABLE v2_routers (router_id INT PRIMARY KEY, cluster_id CHAR(36), router_name VARCHAR(64), product_name VARCHAR(64), address VARCHAR(64),
  version VARCHAR(12), last_check_in TIMESTAMP NULL, attributes JSON, options JSON, clusterset_id CHAR(36));
INSERT INTO v2_routers VALUES (1, '{group}', 'mall', 'MySQL Router', '127.0.0.1', NULL, NULL, '{}', '{}', NULL);
CREATE TABLE v2_router_options (router_id INT PRIMARY KEY, clusterset_id CHAR(36), cluster_id CHAR(36), router_options JSON);
INSERT INTO v2_router_options VALUES (1, NULL, '{group}', '{}');
CREATE TABLE v2_cs_members (clusterset_id CHAR(36) PRIMARY KEY, cluster_id CHAR(36), member_role VARCHAR(16))
